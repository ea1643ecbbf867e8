//! What the manifest says about the machine: whatever can be found without asking anybody.

use std::fs;

/// Operating system, kernel, processor, cores, memory: whatever was found.
pub(crate) fn facts() -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    add(
        "system",
        field(&read("/etc/os-release"), "PRETTY_NAME=").map(|name| name.replace('"', "")),
    );
    if let Ok(name) = nix::sys::utsname::uname() {
        let text = |part: &std::ffi::OsStr| Some(part.to_string_lossy().into_owned());
        add("kernel", text(name.release()));
        add("architecture", text(name.machine()));
    }
    let model = field(&read("/proc/cpuinfo"), "model name");
    add("processor", model.map(|model| model.trim_start_matches([':', ' ', '\t']).to_owned()));
    let cores = std::thread::available_parallelism();
    add("cores", cores.ok().map(|cores| cores.to_string()));
    add("memory", field(&read("/proc/meminfo"), "MemTotal:"));
    facts
}

/// What follows `key` in the first line that begins with it.
fn field(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_key() {
        let text = "MemTotal:       16384 kB\nMemFree: 1 kB\n";
        assert_eq!(field(text, "MemTotal:").as_deref(), Some("16384 kB"));
        assert_eq!(field(text, "Swap:"), None);
    }

    #[test]
    fn this_machine_has_cores() {
        assert!(facts().iter().any(|(name, _)| name == "cores"));
    }
}
