//! One courier's work in the volumes it was given: look, decide, do, hold the answer against what was asked; again for
//! files that somebody else changed in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use courier::protocol::{Answer, Attributes, Operation, Request};

use super::conversation::Courier;
use super::decision::{self, Decision, TemporaryNames, Verdict};
use super::delivery::Errand;
use super::ownership::{self, Ownership};
use super::task::{State, Task};
use super::users::Containers;
use super::{CALLS_AT_ONCE, Docker, gather};
use crate::destinations::{DeliveryError, Ids, Receipt, Undelivered};

/// How often a file is looked at anew because it changed between looking and writing. A program that writes it at every
/// one of these moments writes it all the time.
const ATTEMPTS: usize = 4;
/// The numbers by which Linux knows `tmpfs` and `ramfs`.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// A courier's visit to some volumes.
pub(super) struct Visit<'a> {
    docker: &'a Docker,
    names: TemporaryNames,
    errands: &'a [Errand<'a>],
    volumes: Vec<&'a str>,
    tasks: Vec<Task<'a>>,
    /// Mounts of volumes that came to be by accident.
    accidents: BTreeSet<usize>,
    containers: Option<Containers>,
}

impl<'a> Visit<'a> {
    pub(super) fn plan(docker: &'a Docker, names: TemporaryNames, errands: &'a [Errand<'a>]) -> Self {
        let mut volumes: Vec<&str> = Vec::new();
        let mut mounts: HashMap<&str, usize> = HashMap::new();
        let mut tasks = Vec::new();
        for (number, errand) in errands.iter().enumerate() {
            let volume = errand.parcel.root.as_str();
            let mount = *mounts.entry(volume).or_insert_with(|| {
                volumes.push(volume);
                volumes.len() - 1
            });
            tasks.extend(errand.parcel.files.iter().map(|file| Task::new(number, errand, file, mount)));
        }
        Self { docker, names, errands, volumes, tasks, accidents: BTreeSet::new(), containers: None }
    }

    /// The volumes to mount, in order, none of them twice.
    pub(super) fn volumes(&self) -> &[&'a str] {
        &self.volumes
    }

    /// Volumes that are there only because the courier was created with them.
    pub(super) fn accidents(&self) -> impl Iterator<Item = &'a str> {
        self.accidents.iter().filter_map(|mount| self.volumes.get(*mount).copied())
    }

    /// Sees to all files.
    pub(super) async fn work(&mut self, courier: &mut Courier) {
        for _ in 0..ATTEMPTS {
            self.look(courier).await;
            self.find_accidents().await;
            self.decide();
            self.find_owners().await;
            self.hand_over(courier).await;
            self.carry_out(courier).await;
            if !self.tasks.iter().any(Task::is_open) {
                return;
            }
        }
        for task in self.tasks.iter_mut().filter(|task| task.is_open()) {
            let (volume, path) = (task.volume().to_owned(), task.file.path.clone());
            task.fail(DeliveryError::KeepsChanging { volume, path });
        }
    }

    async fn look(&mut self, courier: &mut Courier) {
        let mut open: Vec<_> = self.tasks.iter_mut().filter(|task| task.is_open()).collect();
        let requests: Vec<_> = open.iter().map(|task| task.request(Operation::Look)).collect();
        let (answers, result) = courier.ask(&requests).await;
        let mut answers = answers.into_iter();
        for task in &mut open {
            match (answers.next(), &result) {
                (Some(Answer::Seen(sight)), _) => task.state = State::Seen(sight),
                (Some(Answer::Failed(failure)), _) => {
                    task.fail(decision::explain(failure, &Operation::Look, task.place()));
                }
                (None, Err(error)) => task.fail(error.clone()),
                (None, Ok(())) => {}
            }
        }
    }

    /// An empty volume may be one that our own container brought to life, if it was removed just before.
    async fn find_accidents(&mut self) {
        let empty = |task: &&Task<'_>| matches!(&task.state, State::Seen(sight) if sight.entries == 0);
        let empty: BTreeMap<usize, &Errand<'_>> =
            self.tasks.iter().filter(empty).map(|task| (task.mount, task.errand)).collect();
        let docker = self.docker;
        let looked_up = empty.into_iter().map(|(mount, errand)| async move {
            docker.is_accident(&errand.parcel.root, &errand.facts).await.then_some(mount)
        });
        let looked_up = gather(looked_up, CALLS_AT_ONCE).await;
        self.accidents.extend(looked_up.into_iter().flatten());
        for task in self.tasks.iter_mut().filter(|task| self.accidents.contains(&task.mount)) {
            task.fail(DeliveryError::VolumeMissing { volume: task.volume().to_owned() });
        }
    }

    fn decide(&mut self) {
        for task in &mut self.tasks {
            let Some(sight) = task.take_seen() else { continue };
            match decision::decide(task.file, task.place(), &sight) {
                Ok(Decision::Leave(outcome)) => task.done(outcome, &sight, None),
                Ok(decision) => task.state = State::Decided { sight, decision },
                Err(error) => task.fail(error),
            }
        }
    }

    /// Turns decisions into requests, which takes an owner for each new file.
    async fn find_owners(&mut self) {
        let users = self.users().await;
        for (number, task) in self.tasks.iter_mut().enumerate() {
            let Some((sight, decision)) = task.take_decided() else { continue };
            let containers = match &users {
                Ok(users) => users,
                Err(error) => {
                    task.fail(error.clone());
                    continue;
                }
            };
            let kept = self.containers.as_ref().is_some_and(|containers| containers.keep_mounted(task.volume()));
            if task.errand.facts.in_memory && !kept {
                task.fail(DeliveryError::MemoryUnused { volume: task.volume().to_owned() });
                continue;
            }
            let owner = match ownership::from_volume(task.errand.parcel.owner, &sight) {
                Ownership::Known(owner) => owner,
                Ownership::AskContainers => {
                    ownership::from_users(containers.get(task.volume()).map_or(&[], Vec::as_slice), &sight)
                }
            };
            let operation = decision.ask(task.file, &sight, owner, &self.names, number);
            task.state = State::Ready { sight, operation };
        }
    }

    /// The users of the containers of those volumes that don't tell an owner themselves.
    async fn users(&mut self) -> Result<HashMap<String, Vec<Ids>>, DeliveryError> {
        let decided = || self.tasks.iter().filter(|task| matches!(task.state, State::Decided { .. }));
        let asking: BTreeSet<&str> = decided().filter(|task| task.asks_containers()).map(Task::volume).collect();
        if asking.is_empty() && !decided().any(|task| task.errand.facts.in_memory) {
            return Ok(HashMap::new());
        }
        let containers = match self.containers.take() {
            Some(containers) => containers,
            None => self.docker.containers().await?,
        };
        let users = self.docker.users(&containers, &asking.into_iter().collect::<Vec<_>>()).await;
        self.containers = Some(containers);
        Ok(users)
    }

    /// Gives root folders that hold nothing of others to the owner of the file that is about to come.
    async fn hand_over(&mut self, courier: &mut Courier) {
        let mut ours_at_top: HashMap<usize, BTreeSet<&str>> = HashMap::new();
        for task in self.tasks.iter().filter(|task| task.is_there_at_top()) {
            ours_at_top.entry(task.mount).or_default().insert(&task.file.path);
        }
        let due: BTreeMap<usize, Request> = self
            .tasks
            .iter()
            .filter_map(|task| {
                let State::Ready { sight, operation: Operation::Write { attributes, .. } } = &task.state else {
                    return None;
                };
                let Attributes { uid, gid, .. } = *attributes;
                let ours = ours_at_top.get(&task.mount).map_or(0, BTreeSet::len);
                ownership::hands_over(Ids { uid, gid }, sight, ours).then(|| {
                    (task.mount, Request { path: String::new(), ..task.request(Operation::HandOver { uid, gid }) })
                })
            })
            .collect();
        let (answers, _) = courier.ask(&due.into_values().collect::<Vec<_>>()).await;
        for answer in answers {
            if let Answer::Failed(failure) = answer {
                // The file itself may still be welcome, and says so if not.
                tracing::debug!(?failure, "a volume's root folder could not be given to its user");
            }
        }
    }

    async fn carry_out(&mut self, courier: &mut Courier) {
        let mut ready = Vec::new();
        let mut requests = Vec::new();
        for task in &mut self.tasks {
            if let Some((sight, operation)) = task.take_ready() {
                requests.push(task.request(operation));
                ready.push((task, IN_MEMORY.contains(&sight.file_system)));
            }
        }
        // All writes are one batch, which the last one ends.
        let mut writes = requests.iter_mut().rev().filter_map(|request| match &mut request.operation {
            Operation::Write { more_follows, .. } => Some(more_follows),
            _ => None,
        });
        if let Some(more_follows) = writes.next() {
            *more_follows = false;
        }
        let (answers, result) = courier.ask(&requests).await;
        let mut answers = answers.into_iter();
        for ((task, in_memory), request) in ready.into_iter().zip(requests) {
            let operation = request.operation;
            match (answers.next(), &result) {
                (Some(answer), _) => match decision::judge(&operation, task.place(), answer) {
                    Ok(Verdict::Done(sight)) => {
                        task.done(decision::outcome(&operation), &sight, in_memory.then_some(operation));
                    }
                    Ok(Verdict::Again) => task.state = State::Open,
                    Err(error) => task.fail(error),
                },
                (None, Err(error)) => {
                    let uncertain = matches!(operation, Operation::Write { .. });
                    task.state = State::Failed { error: error.clone().into(), uncertain };
                }
                (None, Ok(())) => {}
            }
        }
    }

    /// Looks once more, with a courier of its own, at what was written to memory: it is gone by now if nobody but the
    /// first courier kept the volume mounted.
    pub(super) async fn check_memory(&mut self) {
        let docker = self.docker;
        let volumes = self.volumes.clone();
        let mut written: Vec<_> = self.tasks.iter_mut().filter(|task| task.is_in_memory()).collect();
        if written.is_empty() {
            return;
        }
        let requests: Vec<_> = written.iter().map(|task| task.request(Operation::Look)).collect();
        let answers = match docker.hire(&volumes).await {
            Ok(mut courier) => {
                let (answers, _) = courier.ask(&requests).await;
                docker.dismiss(courier).await;
                answers
            }
            Err(_) => Vec::new(),
        };
        let mut answers = answers.into_iter();
        for task in &mut written {
            let State::Done { in_memory: Some(operation), .. } = &task.state else { continue };
            let judged = answers.next().map(|answer| decision::judge(operation, task.place(), answer));
            if !matches!(judged, Some(Ok(Verdict::Done(_)))) {
                task.fail(DeliveryError::MemoryUnused { volume: task.volume().to_owned() });
            }
        }
    }

    /// What became of each errand.
    pub(super) fn settle(self) -> Vec<Result<Receipt, Undelivered>> {
        let mut settled: Vec<_> = self
            .errands
            .iter()
            .map(|errand| {
                (Receipt { destination: errand.parcel.destination.clone(), files: Vec::new() }, None, Vec::new())
            })
            .collect();
        for task in self.tasks {
            let Some((receipt, failure, in_doubt)) = settled.get_mut(task.number) else { continue };
            match task.state {
                State::Done { receipt: file, .. } => receipt.files.push(file),
                State::Failed { error, uncertain } => {
                    in_doubt.extend(uncertain.then(|| task.file.path.clone()));
                    failure.get_or_insert(error);
                }
                // Every task ends in one of the two above.
                _ => {}
            }
        }
        let undelivered = |(receipt, failure, uncertain): (Receipt, Option<DeliveryError>, Vec<String>)| match failure {
            None => Ok(receipt),
            Some(error) => Err(Undelivered { error, files: receipt.files, uncertain }),
        };
        settled.into_iter().map(undelivered).collect()
    }
}
