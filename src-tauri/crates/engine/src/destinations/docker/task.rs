//! One file that a courier sees to, and how far it is with it.

use courier::mount_point;
use courier::protocol::{Kind, Operation, Request, Sight};
use jiff::Timestamp;

use super::decision::{Decision, Place};
use super::delivery::Errand;
use super::ownership::{self, Ownership};
use crate::destinations::{DeliveryError, FileReceipt, Ids, Outcome, ParcelFile};

/// One file to see to.
pub(super) struct Task<'a> {
    /// Which errand of the visit it belongs to.
    pub(super) number: usize,
    pub(super) errand: &'a Errand<'a>,
    pub(super) file: &'a ParcelFile,
    /// Which of the courier's mount points.
    pub(super) mount: usize,
    pub(super) state: State,
}

/// How far it is: downwards, and from `Ready` back to `Open` if the file changed meanwhile.
pub(super) enum State {
    /// To be looked at.
    Open,
    /// Looked at.
    Seen(Sight),
    /// To be changed.
    Decided { sight: Sight, decision: Decision },
    /// To be asked for.
    Ready { sight: Sight, operation: Operation },
    /// As it should be. What was asked for is kept where the file lies in memory, to look once more.
    Done { receipt: FileReceipt, in_memory: Option<Operation> },
    /// Not to be done. It is uncertain whether a copy lies there where no answer came.
    Failed { error: DeliveryError, uncertain: bool },
}

impl<'a> Task<'a> {
    pub(super) fn new(number: usize, errand: &'a Errand<'a>, file: &'a ParcelFile, mount: usize) -> Self {
        Self { number, errand, file, mount, state: State::Open }
    }

    pub(super) fn volume(&self) -> &'a str {
        &self.errand.parcel.root
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place { volume: self.volume(), path: &self.file.path }
    }

    pub(super) fn request(&self, operation: Operation) -> Request {
        Request { root: mount_point(self.mount), path: self.file.path.clone(), operation }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.state, State::Done { in_memory: Some(_), .. })
    }

    /// Whether the volume itself doesn't tell whose the new file shall be.
    pub(super) fn asks_containers(&self) -> bool {
        let State::Decided { sight, decision: Decision::Write(_) | Decision::Settle(_) } = &self.state else {
            return false;
        };
        ownership::from_volume(self.errand.parcel.owner, sight) == Ownership::AskContainers
    }

    /// Whether the file stands in the volume's root folder already, whatever it is.
    pub(super) fn is_there_at_top(&self) -> bool {
        let is_there = match &self.state {
            State::Ready { sight, .. } => sight.stamp.kind != Kind::Nothing,
            State::Done { receipt, .. } => receipt.owner.is_some(),
            _ => false,
        };
        is_there && !self.file.path.contains('/')
    }

    /// Takes what was seen, to make the next state of it; any other state stays.
    pub(super) fn take_seen(&mut self) -> Option<Sight> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Seen(sight) => Some(sight),
            other => self.stay(other),
        }
    }

    pub(super) fn take_decided(&mut self) -> Option<(Sight, Decision)> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Decided { sight, decision } => Some((sight, decision)),
            other => self.stay(other),
        }
    }

    pub(super) fn take_ready(&mut self) -> Option<(Sight, Operation)> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Ready { sight, operation } => Some((sight, operation)),
            other => self.stay(other),
        }
    }

    fn stay<T>(&mut self, state: State) -> Option<T> {
        self.state = state;
        None
    }

    pub(super) fn fail(&mut self, error: impl Into<DeliveryError>) {
        self.state = State::Failed { error: error.into(), uncertain: false };
    }

    pub(super) fn done(&mut self, outcome: Outcome, sight: &Sight, in_memory: Option<Operation>) {
        let attributes = sight.file.as_ref().map(|found| found.attributes);
        let receipt = FileReceipt {
            path: self.file.path.clone(),
            outcome,
            owner: attributes.map(Ids::from),
            mode: attributes.map(|attributes| attributes.mode),
            size: attributes.map(|_| sight.stamp.size),
            entries_at_top: sight.entries,
            read_back_at: Timestamp::now(),
        };
        self.state = State::Done { receipt, in_memory };
    }
}
