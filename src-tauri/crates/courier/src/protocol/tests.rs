//! The codings against each other: what the program does with requests and answers is written here a second time.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Reads a request as the program does.
fn read_request(frame: &[u8]) -> Request {
    let mut rest = frame;
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken.to_vec()
    };
    let number = |bytes: Vec<u8>| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    assert_eq!(number(take(4)) as usize, frame.len() - LENGTH);
    assert_eq!(take(1), [VERSION]);
    let operation = take(1)[0];
    let text = |take: &mut dyn FnMut(usize) -> Vec<u8>| {
        let length = number(take(2)) as usize;
        String::from_utf8(take(length)).unwrap()
    };
    let stamp = |take: &mut dyn FnMut(usize) -> Vec<u8>| Stamp {
        kind: [Kind::Nothing, Kind::File, Kind::Folder, Kind::Link, Kind::Other][number(take(1)) as usize],
        inode: number(take(8)),
        size: number(take(8)),
        changed_seconds: number(take(8)),
        changed_nanoseconds: number(take(4)) as u32,
    };
    let (root, path) = (text(&mut take), text(&mut take));
    let operation = match operation {
        1 => Operation::Look,
        2 => Operation::Write {
            more_follows: number(take(1)) == 1,
            expected: stamp(&mut take),
            stale: text(&mut take),
            mine: text(&mut take),
            temporary: text(&mut take),
            attributes: Attributes {
                uid: number(take(4)) as u32,
                gid: number(take(4)) as u32,
                mode: number(take(4)) as u32,
            },
            content: {
                let length = number(take(4)) as usize;
                Content::from(take(length))
            },
        },
        3 => Operation::Remove { expected: stamp(&mut take) },
        4 => Operation::HandOver { uid: number(take(4)) as u32, gid: number(take(4)) as u32 },
        other => panic!("operation {other}"),
    };
    assert!(rest.is_empty(), "nothing follows");
    Request { root, path, operation }
}

/// Writes an answer's body as the program does.
fn write_answer(answer: &Answer) -> Vec<u8> {
    let mut body = vec![VERSION];
    let attributes = |body: &mut Vec<u8>, of: &Attributes| {
        for number in [of.uid, of.gid, of.mode] {
            body.extend(number.to_le_bytes());
        }
    };
    match answer {
        Answer::Failed(failure) => {
            body.push(failure.step as u8 + 1);
            body.extend(failure.errno.to_le_bytes());
            body.extend([failure.depth, failure.kind as u8]);
        }
        Answer::Seen(sight) => {
            body.push(0);
            attributes(&mut body, &sight.root);
            body.extend(sight.file_system.to_le_bytes());
            body.push(sight.read_only.into());
            body.extend(sight.entries.to_le_bytes());
            for folder in &sight.folders {
                body.push(1);
                attributes(&mut body, folder);
            }
            body.extend([0, sight.stamp.kind as u8]);
            for number in [sight.stamp.inode, sight.stamp.size, sight.stamp.changed_seconds] {
                body.extend(number.to_le_bytes());
            }
            body.extend(sight.stamp.changed_nanoseconds.to_le_bytes());
            if let Some(found) = &sight.file {
                attributes(&mut body, &found.attributes);
                match &found.content {
                    None => body.push(0),
                    Some(content) => {
                        body.push(1);
                        body.extend((content.0.len() as u32).to_le_bytes());
                        body.extend(content.0.iter());
                    }
                }
            }
        }
    }
    body
}

fn attributes() -> impl Strategy<Value = Attributes> {
    (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(uid, gid, mode)| Attributes { uid, gid, mode })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Nothing, Kind::File, Kind::Folder, Kind::Link, Kind::Other])
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (kind(), any::<(u64, u64, u64, u32)>()).prop_map(|(kind, (inode, size, changed_seconds, changed_nanoseconds))| {
        Stamp { kind, inode, size, changed_seconds, changed_nanoseconds }
    })
}

fn content() -> impl Strategy<Value = Content> {
    vec(any::<u8>(), 0..200).prop_map(Content::from)
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Operation::Look),
        (any::<bool>(), stamp(), ".{0,9}", ".{0,9}", ".{0,9}", attributes(), content()).prop_map(
            |(more_follows, expected, stale, mine, temporary, attributes, content)| Operation::Write {
                more_follows,
                expected,
                stale,
                mine,
                temporary,
                attributes,
                content
            }
        ),
        stamp().prop_map(|expected| Operation::Remove { expected }),
        any::<(u32, u32)>().prop_map(|(uid, gid)| Operation::HandOver { uid, gid }),
    ]
}

fn sight() -> impl Strategy<Value = Sight> {
    let file = (attributes(), prop::option::of(content()));
    (attributes(), any::<(u64, bool, u16)>(), vec(attributes(), 0..4), stamp(), file).prop_map(
        |(root, (file_system, read_only, entries), folders, stamp, (attributes, content))| Sight {
            root,
            file_system,
            read_only,
            entries,
            folders,
            stamp,
            file: (stamp.kind != Kind::Nothing).then_some(Found { attributes, content }),
        },
    )
}

fn failure() -> impl Strategy<Value = Failure> {
    let steps = [Step::Root, Step::Parent, Step::Target, Step::Changed, Step::Create, Step::Fill, Step::Owner]
        .into_iter()
        .chain([Step::Rename, Step::Unlink]);
    let step = prop::sample::select(steps.collect::<Vec<_>>());
    (step, any::<(u32, u8)>(), kind()).prop_map(|(step, (errno, depth), kind)| Failure { step, errno, depth, kind })
}

proptest! {
    #[test]
    fn requests_arrive_as_they_were_sent(root in "/v/[0-9]{1,4}", path in "[a-z./]{0,40}", operation in operation()) {
        let request = Request { root, path, operation };
        prop_assert_eq!(read_request(&request.encode().unwrap()), request);
    }

    #[test]
    fn answers_arrive_as_they_were_sent(answer in prop_oneof![
        sight().prop_map(Answer::Seen), failure().prop_map(Answer::Failed)
    ]) {
        let body = write_answer(&answer);
        prop_assert_eq!(Answer::decode(&body), Ok(answer));
        prop_assert_eq!(Answer::decode(&[&body[..], &[0]].concat()), Err(ProtocolError::Garbled));
        for cut in 1..body.len() {
            prop_assert_eq!(Answer::decode(&body[..cut]), Err(ProtocolError::Garbled));
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Answer::decode(&bytes);
    }
}

#[test]
fn another_version_is_told_apart() {
    assert_eq!(Answer::decode(&[VERSION + 1, 0]), Err(ProtocolError::Version));
}

#[test]
fn what_is_too_large_is_not_sent() {
    let look = |path: String| Request { root: "/v/0".to_owned(), path, operation: Operation::Look }.encode();
    assert!(look("a".repeat(MAX_PATH)).is_ok());
    assert_eq!(look("a".repeat(MAX_PATH + 1)), Err(ProtocolError::TooLarge));
    let write = |size: usize| Operation::Write {
        more_follows: false,
        expected: Stamp::default(),
        stale: String::new(),
        mine: String::new(),
        temporary: "t".to_owned(),
        attributes: Attributes { uid: 0, gid: 0, mode: 0 },
        content: Content::from(vec![0; size]),
    };
    let sent = |size| Request { root: String::new(), path: String::new(), operation: write(size) }.encode();
    assert!(sent(MAX_CONTENT).is_ok());
    assert_eq!(sent(MAX_CONTENT + 1), Err(ProtocolError::TooLarge));
}

#[test]
fn content_does_not_print() {
    let shown = format!("{:?}", Content::from(b"canary".to_vec()));
    assert_eq!(shown, "[6 bytes]");
}
