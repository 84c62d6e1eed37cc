//! Every judgement on facts that are wrong in every way, and on facts with nothing wrong.
