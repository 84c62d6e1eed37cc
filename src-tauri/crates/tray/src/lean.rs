//! A resident that is small again once it rests: pages of the program's own code that only the start needed, or a click, are
//! given back, and come again, from the system's cache, where they are used.

use std::fs;
use std::time::Duration;

/// By then it is drawn, the keychain is read, and the engines are watched; or a window is open.
const RESTS: Duration = Duration::from_secs(10);

/// Waits until it rests, and gives them back.
pub(crate) async fn lean() {
    tokio::time::sleep(RESTS).await;
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = fs::read_link("/proc/self/exe") else { return };
    for (start, length) in maps.lines().filter_map(|line| code(line, &program.to_string_lossy())) {
        give_back(start, length);
    }
}

/// Where this line of `maps` has code of the program: read and run, never written to, and so the same as in its file.
fn code(line: &str, program: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (range, access, name) = (fields.next()?, fields.next()?, fields.nth(3)?);
    let (start, end) = range.split_once('-')?;
    let [start, end] = [start, end].map(|number| usize::from_str_radix(number, 16).ok());
    (access == "r-xp" && name == program).then_some((start?, end?.checked_sub(start?)?))
}

/// Drops the pages of a mapping that is the same as its file.
#[allow(unsafe_code, reason = "no library hands out advice on what it has not mapped itself")]
fn give_back(start: usize, length: usize) {
    let pages = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the range is a mapping of code as Linux has just listed it, which nothing of this program unmaps or writes to.
    // What is dropped is read from the file again where it is used.
    let done = unsafe { libc::madvise(pages, length, libc::MADV_DONTNEED) };
    if done != 0 {
        tracing::debug!("code stays in memory: {}", std::io::Error::last_os_error());
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn only_code_of_the_program_is_given_back() {
        let line = |access: &str, name: &str| format!("55da643b0000-55da6514a000 {access} 005de000 fe:00 123   {name}");
        let found = |access, name| code(&line(access, name), "/usr/bin/tokenferry");
        assert_eq!(found("r-xp", "/usr/bin/tokenferry"), Some((0x55da_643b_0000, 0xd9_a000)));
        // Relocated once, and only read since then: not the same as in the file.
        assert_eq!(found("r--p", "/usr/bin/tokenferry"), None);
        assert_eq!(found("r-xp", "/usr/lib/libc.so.6"), None);
        assert_eq!(code("7ffe0000-7fff0000 r-xp 0 00:00 0", "/usr/bin/tokenferry"), None);
    }
}
