//! The tiny program that puts files into a volume, and the image that carries it.
