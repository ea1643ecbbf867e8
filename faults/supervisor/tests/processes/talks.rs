//! Processes that the harness talks to.

use std::fs;

use supervisor::tree::{Talk, Tree};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use crate::testing::{SOON, guard, python, tree_command};

async fn start(folder: &std::path::Path, program: &str) -> (Tree, Talk) {
    Tree::start_talking(&guard(), tree_command(folder, python(program))).await.unwrap()
}

const ECHO: &str = "
print('it has begun', file=sys.stderr)
for line in sys.stdin:
    print('heard', line.strip(), flush=True)
";

#[tokio::test]
async fn lines_go_both_ways_errors_into_the_log_and_the_end_of_its_input_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, Talk { mut input, output }) = start(folder.path(), ECHO).await;
    let mut output = BufReader::new(output);
    for word in ["one", "two"] {
        input.write_all(format!("{word}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        timeout(SOON, output.read_line(&mut line)).await.unwrap().unwrap();
        assert_eq!(line, format!("heard {word}\n"));
    }
    drop(input);
    let end = tree.ended(SOON).await.unwrap();
    assert!(end.status.is_some_and(|status| status.success()) && !end.asked, "{end:?}");
    assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "it has begun\n");
    let mut rest = Vec::new();
    timeout(SOON, output.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn its_output_ends_with_the_last_of_its_tree() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, Talk { input: _input, output }) = start(folder.path(), "child()\nwait()").await;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while line != "up\n" {
        line.clear();
        timeout(SOON, output.read_line(&mut line)).await.unwrap().unwrap();
    }
    tree.kill().await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, output.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(tree.gone(SOON).await);
}

#[tokio::test]
async fn more_than_a_pipe_holds_goes_through_both() {
    let folder = tempfile::tempdir().unwrap();
    let program = "sys.stdout.write(sys.stdin.read())\nsys.stdout.flush()";
    let (_tree, Talk { mut input, mut output }) = start(folder.path(), program).await;
    let sent = vec![b'x'; 1 << 20];
    let mut received = Vec::new();
    let write = async {
        input.write_all(&sent).await.unwrap();
        drop(input);
    };
    let read = async { output.read_to_end(&mut received).await.unwrap() };
    timeout(SOON, async { tokio::join!(write, read) }).await.unwrap();
    assert_eq!(received.len(), sent.len());
}
