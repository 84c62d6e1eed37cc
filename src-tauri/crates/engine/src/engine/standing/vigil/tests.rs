use super::*;
use crate::destinations::docker::VolumeMount;
use crate::destinations::{FileReceipt, Ids, Outcome};
use crate::formats::claude_code;
use crate::settings::samples::destination;

const SECOND: Duration = Duration::from_secs(1);

/// A watch over the destination `web` in the volume `auth`, from when it was last seen to.
struct Desk {
    vigil: Vigil,
    now: Instant,
}

impl Desk {
    fn new(present: Vec<Presence>) -> Self {
        let mut desk = Self { vigil: Vigil::default(), now: Instant::now() };
        desk.vigil.keep(&[destination("web", "auth")]);
        desk.vigil.begin(present, &BTreeSet::from(["auth".to_owned()]), desk.now);
        assert_eq!(desk.due(), Some(Way::Check), "nothing is known at first");
        desk
    }

    /// The file is read back, with so many entries in the volume.
    fn read_back(&mut self, entries: u16, uid: u32) {
        let file = FileReceipt {
            path: claude_code::CREDENTIALS.to_owned(),
            outcome: Outcome::Written,
            owner: Some(Ids { uid, gid: uid }),
            mode: Some(0o600),
            size: Some(100),
            entries_at_top: entries,
            read_back_at: jiff::Timestamp::UNIX_EPOCH,
        };
        self.vigil.seen_to("web", Some(&Receipt { destination: "web".to_owned(), files: vec![file] }), self.now);
    }

    /// The volume is made anew.
    fn made_anew(&mut self) {
        self.happens(Happening::VolumeRemoved("auth".to_owned()));
        self.happens(created("auth"));
    }

    fn due(&mut self) -> Option<Way> {
        self.vigil.take_due(self.now).into_values().next()
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
    }

    fn happens(&mut self, happening: Happening) -> Option<String> {
        self.vigil.happened(happening, self.now)
    }

    fn created(&mut self, id: &str) {
        assert_eq!(self.happens(Happening::ContainerCreated { id: id.to_owned(), is_labelled: false }).unwrap(), id);
    }

    fn meets(&mut self, id: &str, running: bool, served: bool) {
        let served = if served { BTreeSet::from(["auth".to_owned()]) } else { BTreeSet::new() };
        let guest = Guest { container: Some(container(id, running)), served, is_not_root: false };
        self.vigil.met(id, guest, self.now);
    }

    fn looks(&mut self, look: Option<Look>) -> Option<Way> {
        self.passes(LOOK_EVERY);
        let glimpses = self.vigil.looks(self.now);
        let [glimpse] = glimpses.as_slice() else { panic!("nothing was looked at") };
        assert_eq!(glimpse.path, "/root/.claude/.credentials.json");
        self.vigil.looked(&glimpse.name.clone(), look, self.now);
        self.due()
    }
}

fn container(id: &str, running: bool) -> Presence {
    let mount = VolumeMount { volume: "auth".to_owned(), folder: "/root/.claude".to_owned() };
    Presence { id: id.to_owned(), name: id.to_owned(), running, mounts: vec![mount] }
}

fn look(size: u64, modified: &str) -> Option<Look> {
    Some(Look { size, mode: 0o600, modified: modified.to_owned(), link: String::new() })
}

fn created(volume: &str) -> Happening {
    Happening::VolumeCreated(volume.to_owned())
}

#[test]
fn a_volume_made_anew_waits_for_its_container() {
    let mut desk = Desk::new(vec![]);
    desk.read_back(5, 1000);
    desk.happens(created("other"));
    desk.happens(created("auth"));
    assert_eq!(desk.vigil.next_due(), None, "engines say so of a volume that is there, whenever it is used");
    desk.made_anew();
    assert_eq!(desk.vigil.waiting().len(), 1);
    assert_eq!(desk.due(), None);
    desk.created("app");
    assert_eq!(desk.vigil.unused().len(), 1);
    desk.meets("app", false, true);
    assert_eq!(desk.vigil.unused(), [], "from now on the container has it");
    desk.happens(Happening::ContainerStarted("app".to_owned()));
    assert_eq!(desk.due(), None, "it was served before it began");
}

#[test]
fn where_no_container_comes_it_is_delivered_to_all_the_same() {
    let mut desk = Desk::new(vec![]);
    desk.made_anew();
    desk.passes(FIRST_CONTAINER);
    assert_eq!(desk.vigil.next_due(), Some(desk.now));
    assert_eq!(desk.due(), Some(Way::Publish));
    desk.read_back(1, 0);
    assert_eq!(desk.vigil.unused().len(), 1, "nothing but ours lies there");
}

#[test]
fn without_a_head_start_it_is_seen_to_at_the_start() {
    let mut desk = Desk::new(vec![]);
    desk.made_anew();
    desk.created("app");
    desk.meets("app", false, false);
    assert_eq!(desk.due(), None);
    desk.happens(Happening::ContainerStarted("app".to_owned()));
    assert_eq!(desk.due(), Some(Way::Publish));
    let mut desk = Desk::new(vec![]);
    desk.made_anew();
    desk.created("app");
    desk.meets("app", false, false);
    desk.passes(START);
    assert_eq!(desk.due(), Some(Way::Publish), "one that does not start");
}

#[test]
fn what_happens_while_a_container_is_looked_up_counts() {
    let mut desk = Desk::new(vec![]);
    desk.created("app");
    assert_eq!(desk.happens(Happening::ContainerStarted("app".to_owned())), None, "it is being looked up");
    desk.meets("app", false, false);
    assert!(desk.vigil.next_looks().is_some(), "it runs");
    desk.happens(Happening::ContainerEnded("app".to_owned()));
    assert_eq!(desk.vigil.next_looks(), None);
    desk.created("short");
    desk.happens(Happening::ContainerEnded("short".to_owned()));
    desk.meets("short", true, false);
    assert_eq!(desk.vigil.next_looks(), None, "it is gone");
}

#[test]
fn a_file_that_looks_otherwise_is_checked() {
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(100, "1")), None);
    assert_eq!(desk.looks(look(100, "1")), None);
    assert_eq!(desk.looks(look(100, "2")), Some(Way::Check));
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(100, "3")), None);
    assert_eq!(desk.looks(None), Some(Way::Check));
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(100, "4")), None);
    let opened = look(100, "4").map(|it| Look { mode: 0o644, ..it });
    assert_eq!(desk.looks(opened), Some(Way::Check), "everybody may read it now");
}

#[test]
fn a_file_that_was_harmed_right_after_it_was_read_back_is_noticed() {
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(7, "1")), Some(Way::Check));
    // As from behind a mount that shows another folder: it is checked once, not for ever.
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(7, "1")), None);
    assert_eq!(desk.looks(look(7, "1")), None);
    assert_eq!(desk.looks(look(8, "2")), Some(Way::Check));
}

#[test]
fn a_look_is_made_at_once_and_then_waits() {
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.passes(SETTLED);
    desk.read_back(5, 1000);
    assert_eq!(desk.vigil.looks(desk.now).len(), 1);
    assert_eq!(desk.vigil.looks(desk.now), []);
    assert_eq!(desk.vigil.next_looks(), Some(desk.now + LOOK_EVERY));
}

#[test]
fn nothing_is_looked_at_through_a_container_that_may_end_soon() {
    let mut desk = Desk::new(vec![]);
    desk.read_back(5, 1000);
    desk.created("app");
    desk.meets("app", false, true);
    assert!(!desk.vigil.runs("app"));
    desk.happens(Happening::ContainerStarted("app".to_owned()));
    assert!(desk.vigil.runs("app"));
    assert_eq!(desk.vigil.looks(desk.now), []);
    assert_eq!(desk.vigil.next_looks(), Some(desk.now + SETTLED));
    desk.passes(SETTLED);
    desk.created("second");
    desk.meets("second", true, true);
    let through: Vec<_> = desk.vigil.looks(desk.now).into_iter().map(|glimpse| glimpse.container).collect();
    assert_eq!(through, ["app"], "the one that has run for longer");
    desk.happens(Happening::ContainerEnded("app".to_owned()));
    assert!(!desk.vigil.runs("app"));
}

#[test]
fn a_link_or_other_rights_are_no_file_that_was_read_back() {
    for odd in
        [Look { mode: 0o644, ..look(100, "1").unwrap() }, Look { link: "/x".to_owned(), ..look(100, "1").unwrap() }]
    {
        let mut desk = Desk::new(vec![container("app", true)]);
        desk.read_back(5, 1000);
        assert_eq!(desk.looks(Some(odd)), Some(Way::Check));
    }
}

#[test]
fn a_doubt_lasts_until_it_was_looked_into() {
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.read_back(5, 1000);
    assert_eq!(desk.looks(look(7, "1")), Some(Way::Check));
    // The vault could not be read.
    desk.vigil.try_again(BTreeMap::from([("web".parse().unwrap(), Way::Check)]), desk.now);
    assert_eq!(desk.due(), None);
    desk.passes(UNTRIED);
    assert_eq!(desk.due(), Some(Way::Check));
    assert_eq!(desk.looks(look(7, "1")), Some(Way::Check), "it was not accepted unseen");
}

#[test]
fn what_the_last_container_did_is_checked() {
    let mut desk = Desk::new(vec![container("first", true), container("last", true)]);
    desk.read_back(5, 1000);
    desk.happens(Happening::ContainerEnded("first".to_owned()));
    assert_eq!(desk.vigil.next_due(), None, "it can be looked at through the other");
    desk.happens(Happening::ContainerEnded("last".to_owned()));
    desk.happens(Happening::ContainerEnded("last".to_owned()));
    assert_eq!(desk.due(), None);
    desk.passes(AFTER_THE_LAST);
    assert_eq!(desk.due(), Some(Way::Check));
}

#[test]
fn many_files_are_looked_at_in_turns() {
    let names: Vec<_> = (0..40).map(|number| format!("d{number}")).collect();
    let all: Vec<_> = names.iter().map(|name| destination(name, "auth")).collect();
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.vigil.keep(&all);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        desk.passes(LOOK_EVERY);
        let glimpses = desk.vigil.looks(desk.now);
        assert!(glimpses.len() <= LOOKS_AT_ONCE);
        seen.extend(glimpses.into_iter().map(|glimpse| glimpse.name));
        assert_eq!(desk.vigil.looks(desk.now), [], "not before it is time");
    }
    assert_eq!(seen.len(), all.len());
}

#[test]
fn without_a_container_that_runs_nobody_looks() {
    let mut desk = Desk::new(vec![container("app", false)]);
    desk.read_back(5, 1000);
    assert_eq!((desk.vigil.next_looks(), desk.vigil.next_due()), (None, None));
    desk.passes(SECOND);
    assert_eq!(desk.vigil.looks(desk.now), []);
}

#[test]
fn root_s_file_is_given_to_a_container_that_is_not_root() {
    let mut desk = Desk::new(vec![container("first", true)]);
    desk.read_back(1, 0);
    desk.created("app");
    let guest = Guest { container: Some(container("app", false)), served: BTreeSet::new(), is_not_root: true };
    desk.vigil.met("app", guest, desk.now);
    assert_eq!(desk.due(), Some(Way::Check));
}

#[test]
fn what_nobody_wants_any_more_is_forgotten() {
    let mut desk = Desk::new(vec![container("app", true)]);
    desk.vigil.begin(vec![container("app", true)], &BTreeSet::new(), desk.now);
    desk.vigil.keep(&[]);
    assert_eq!((desk.vigil.next_due(), desk.vigil.next_looks()), (None, None));
}
