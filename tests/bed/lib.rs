//! What every journey stands on: private homes, engines, keychains and the practice provider, cleaned up on drop.
