//! Where sign-ins are kept between two uses.
