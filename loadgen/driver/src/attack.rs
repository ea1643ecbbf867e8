//! Hands the clients to goose, which runs each as one of its users.
//!
//! goose owns the users and the structure of a scenario: something at the start, iterations,
//! something at the end. In an open loop an iteration begins with waiting for a turn, so the pace is
//! ours too. When a user's load is over it tells its own goose user to leave after this iteration (a goose user has a configuration of its own, and looks at `iterations` after
//! each). goose's own figures, reports and controllers are switched off: its times are whole
//! milliseconds to the first byte.

use std::sync::Arc;

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionError, TransactionResult};
use goose::{GooseAttack, GooseError};

use crate::client::{Client, TrialSettings};
use crate::http::measuring_client;

/// Runs `clients` clients to their end; [`TrialSettings::control`] says when that is.
///
/// # Errors
/// goose refused to start.
pub async fn run(setting: Arc<TrialSettings>, clients: u32) -> Result<(), GooseError> {
    let scenario = Scenario::new("clients")
        .register_transaction(arrival(Arc::clone(&setting)).set_on_start())
        .register_transaction(Transaction::new(Arc::new(|user| Box::pin(iterate(user)))))
        .register_transaction(
            Transaction::new(Arc::new(|user| Box::pin(leave(user)))).set_on_stop(),
        );
    let attack = GooseAttack::initialize_with_config(configuration(clients))?;
    attack::execute(attack.register_scenario(scenario)).await
}

/// Everything that goose would do besides is off.
fn configuration(clients: u32) -> GooseConfiguration {
    let mut configuration = GooseConfiguration::default();
    // It demands one; requests have whole URLs.
    configuration.host = Some("http://127.0.0.1/".to_owned());
    configuration.users = Some(clients as usize);
    configuration.increase_rate = Some(USERS_PER_SECOND.to_owned());
    configuration.quiet = 1;
    configuration.no_metrics = true;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_status_codes = true;
    configuration.no_telnet = true;
    configuration
}

/// All users within a moment; they wait for each other anyway.
const USERS_PER_SECOND: &str = "10000";

/// The first thing a user does: it becomes client number so-and-so, and waits at the gate.
fn arrival(setting: Arc<TrialSettings>) -> Transaction {
    Transaction::new(Arc::new(move |user| {
        let setting = Arc::clone(&setting);
        Box::pin(async move {
            user.set_client_builder(measuring_client()).await.map_err(Box::new)?;
            let number = u32::try_from(user.weighted_users_index + 1).unwrap_or(u32::MAX);
            let control = Arc::clone(&setting.control);
            let connection = setting.service.client(user.client.clone(), number, control.origin());
            connection.open().await.map_err(|why| Box::new(TransactionError::Custom(why)))?;
            user.set_session_data(Session {
                client: Client::new(setting, connection),
                control: Arc::clone(&control),
            });
            control.wait_at_gate().await;
            Ok(())
        })
    }))
}

/// What a goose user carries.
#[derive(Clone)]
struct Session {
    client: Client,
    control: Arc<crate::control::Control>,
}

async fn iterate(user: &mut GooseUser) -> TransactionResult {
    let session = session(user)?;
    if !session.client.run_iteration().await {
        user.config.iterations = Some(1);
    }
    Ok(())
}

async fn leave(user: &mut GooseUser) -> TransactionResult {
    let session = session(user)?;
    session.control.loaded();
    session.client.look_up_all().await;
    session.control.done();
    Ok(())
}

/// A user without a session never arrived; the trial notices that somebody is missing.
fn session(user: &mut GooseUser) -> Result<&mut Session, Box<TransactionError>> {
    if user.get_session_data::<Session>().is_none() {
        user.config.iterations = Some(1);
    }
    user.get_session_data_mut::<Session>()
        .ok_or_else(|| Box::new(TransactionError::Custom("the client never arrived".to_owned())))
}
