//! Connections to somebody who speaks as an agent does, as far as it goes: a shell script.

use super::*;

/// Says hello and what time it is, and answers nothing.
const SILENT: &str = r#"read script; echo '{"hello":{"version":1,"folder":"/tmp/double-trouble-none","clock":null}}'
while read line; do
  us=${line##*:}; us=${us%%\}*}
  case $line in *clock*) echo "{\"clock\":{\"sent_us\":$us,\"monotonic_us\":$us,\"wall_us\":0}}";; esac
done"#;

#[test]
fn a_question_that_nobody_answers_is_given_up_and_so_is_one_whose_connection_ends() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, "").unwrap();
    let program = AgentProgram::new(&program, &["agent"]);
    let connect = ["sh", "-c", SILENT].map(str::to_owned).to_vec();
    let host = Host { connect, address: "127.0.0.1".to_owned() };
    let (session, _) = Session::begin(&host, &program, Arc::default()).unwrap();
    let question = || Question::MakeFolder { path: "/".to_owned() };
    assert!(session.ask_within(question(), Duration::from_millis(50)).is_none());
    let over = session.close(EXIT_WITHIN);
    assert!(over.reason.contains("exit status: 0"), "{over:?}");
    // Its bound is no reason to wait for what cannot come.
    assert!(session.ask_within(question(), Duration::from_secs(3600)).is_none());
}
