//! Every way in which the provider can fail, against every request that is made to it: a sign-in ends by the provider's
//! clear no alone, nobody is asked more often than is polite, and `status` tells how things stand.

mod clocks;
mod lost_answers;
mod politeness;
mod renewing;
mod scene;
mod signing_in;
mod signing_out;
mod strange_answers;
