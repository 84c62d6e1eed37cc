//! Variables as lines for a shell to evaluate: `eval "$(…)"`, or `… | Invoke-Expression`. Pure; no value can break out.

use super::dotenv::Variable;
use crate::secret::SecretString;
use crate::shell;

/// Lines for a POSIX shell, such as `export NAME='value';`. A NUL, which no variable there can hold, is left out.
pub fn sh(variables: &[Variable]) -> SecretString {
    // The semicolon is for those who forget the quotes around `$(…)`, where the ends of lines are lost.
    lines(variables, |name, value| format!("export {name}={};\n", shell::word(&value.replace('\0', ""))))
}

/// Lines for PowerShell, such as `$env:NAME = 'value'`.
pub fn powershell(variables: &[Variable]) -> SecretString {
    lines(variables, |name, value| format!("$env:{name} = {}\n", literal(value)))
}

fn lines(variables: &[Variable], line: impl Fn(&str, &str) -> String) -> SecretString {
    SecretString::new(variables.iter().map(|it| line(it.name, it.value.expose())).collect::<String>())
}

/// A text as PowerShell takes it for itself. Everything but plain ASCII goes by number: a pipe hands over line by line and
/// guesses at the encoding, and PowerShell ends a text at ’ as it does at '.
fn literal(text: &str) -> String {
    let mut literal = "'".to_owned();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') if byte != b'\'' => literal.push(char::from(byte)),
            _ => literal.extend(["' + [char]", &unit.to_string(), " + '"]),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credentials::samples;
    use crate::formats::dotenv::Dotenv;

    /// What has broken out of one shell or another.
    const STRANGE: [&str; 14] = [
        "",
        "plain-1._~+/=",
        "a b  c",
        "it's",
        "'; echo out > out; '",
        "$(echo out > out)",
        "`echo out > out`",
        "\"; echo out > out; \"",
        "a\necho out > out\n",
        "a\r\necho out > out",
        "*",
        "\\",
        "\u{2018}; echo out > out; \u{2019}",
        "\u{411}\u{1f600}\u{1b}[2J",
    ];

    fn variable(value: &str) -> [Variable; 1] {
        [Variable { name: "TOLD", value: SecretString::new(value) }]
    }

    #[test]
    fn each_taker_gets_its_variables() {
        let credentials = samples::credentials();
        let (one, three) = (Dotenv::ClaudeCode.variables(&credentials), Dotenv::Litellm.variables(&credentials));
        assert_eq!(sh(&one).expose(), "export CLAUDE_CODE_OAUTH_TOKEN=canary-access;\n");
        assert_eq!(powershell(&one).expose(), "$env:CLAUDE_CODE_OAUTH_TOKEN = 'canary-access'\n");
        assert_eq!(
            sh(&three).expose(),
            "export CLAUDE_ACCESS_TOKEN=canary-access;\nexport CLAUDE_REFRESH_TOKEN='';\n\
             export CLAUDE_EXPIRES_AT=1767254400;\n"
        );
        assert_eq!(
            powershell(&three).expose(),
            "$env:CLAUDE_ACCESS_TOKEN = 'canary-access'\n$env:CLAUDE_REFRESH_TOKEN = ''\n\
             $env:CLAUDE_EXPIRES_AT = '1767254400'\n"
        );
    }

    /// The value that a real shell has afterwards, and whether anything else was done.
    #[cfg(unix)]
    fn evaluated(value: &str, script: &str) -> (Vec<u8>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let lines = folder.path().join("lines");
        std::fs::write(&lines, sh(&variable(value)).expose()).unwrap();
        let run = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .env_remove("TOLD")
            .output()
            .unwrap();
        assert!(run.stderr.is_empty(), "{value:?}: {}", String::from_utf8_lossy(&run.stderr));
        (run.stdout, std::fs::read_dir(folder.path()).unwrap().count() > 1)
    }

    #[cfg(unix)]
    const EVAL: &str = r#"eval "$(cat lines)"; sh -c 'printf %s "$TOLD"'"#;

    #[cfg(unix)]
    #[test]
    fn a_real_shell_takes_every_value_for_itself() {
        for value in STRANGE {
            assert_eq!(evaluated(value, EVAL), (value.as_bytes().to_vec(), false), "{value:?}");
            let (_, broke_out) = evaluated(value, "eval $(cat lines)");
            assert!(!broke_out, "{value:?}");
        }
    }

    /// What PowerShell makes of a line, by its rules: texts in ' to the next such or ’ and the like, and characters by
    /// number, joined by +. None for what is anything else.
    fn as_powershell_reads(line: &str) -> Option<String> {
        let mut units = Vec::new();
        for (number, part) in line.strip_prefix("$env:TOLD = ")?.split_inclusive('\'').enumerate() {
            let inner = part.strip_suffix('\'')?;
            let is_text = number % 2 == 1;
            if is_text {
                let ends_it = |c: char| c.is_control() || ('\u{2018}'..='\u{201b}').contains(&c);
                units.extend((!inner.contains(ends_it)).then(|| inner.encode_utf16())?);
            } else if number > 0 {
                for character in inner.strip_prefix(" + ")?.strip_suffix(" + ")?.split(" + ") {
                    units.push(character.strip_prefix("[char]")?.parse().ok()?);
                }
            } else if !inner.is_empty() {
                return None;
            }
        }
        String::from_utf16(&units).ok()
    }

    fn told_to_powershell(value: &str) -> Option<String> {
        let lines = powershell(&variable(value));
        let line = lines.expose().strip_suffix('\n')?;
        line.bytes().all(|byte| matches!(byte, b' '..=b'~')).then(|| as_powershell_reads(line))?
    }

    #[test]
    fn powershell_takes_every_value_for_itself() {
        for value in STRANGE {
            assert_eq!(told_to_powershell(value).as_deref(), Some(value));
        }
        assert_eq!(powershell(&variable("it's")).expose(), "$env:TOLD = 'it' + [char]39 + 's'\n");
    }

    proptest! {
        #[test]
        fn powershell_takes_any_value_for_itself(value: String) {
            prop_assert_eq!(told_to_powershell(&value), Some(value));
        }
    }

    #[cfg(unix)]
    proptest! {
        // Each starts two shells.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_real_shell_takes_any_value_for_itself(value in "[^\0]{0,24}", hard in "[a'\"$`;\\\\\n ]{0,24}") {
            for value in [value, hard] {
                prop_assert_eq!(evaluated(&value, EVAL), (value.into_bytes(), false));
            }
        }
    }
}
