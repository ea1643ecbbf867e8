//! Hands the clients to goose, which runs each as one of its users.
//!
//! goose owns the users and the structure of a scenario: something at the start, iterations,
//! something at the end. In an open loop an iteration begins with waiting for a turn, so the pace is
//! ours too. When a user's load is over it tells its own goose user to leave after this iteration (a goose user has a configuration of its own, and looks at `iterations` after
//! each). goose's own figures, reports and controllers are switched off: its times are whole
//! milliseconds to the first byte.
//!
//! It is 0.18, since 0.19 cannot be built without aws-lc, which plain HTTP never runs (`ARCHITECTURE.md`, "What a build costs").

use std::sync::Arc;

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
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
    configuration.host = "http://127.0.0.1/".to_owned();
    configuration.users = Some(clients as usize);
    configuration.hatch_rate = Some(USERS_PER_SECOND.to_owned());
    configuration.quiet = 1;
    configuration.no_metrics = true;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    configuration.no_status_codes = true;
    configuration.no_telnet = true;
    configuration.no_websocket = true;
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
            // Without a session the user leaves at once, and the trial notices that somebody is missing.
            if connection.open().await.is_err() {
                return Ok(());
            }
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
    let goes_on = match user.get_session_data_mut::<Session>() {
        Some(session) => session.client.run_iteration().await,
        None => false,
    };
    if !goes_on {
        user.config.iterations = 1;
    }
    Ok(())
}

async fn leave(user: &mut GooseUser) -> TransactionResult {
    if let Some(session) = user.get_session_data_mut::<Session>() {
        session.control.loaded();
        session.client.look_up_all().await;
        session.control.done();
    }
    Ok(())
}
