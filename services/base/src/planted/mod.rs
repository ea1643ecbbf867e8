//! Bugs that can be planted, to prove that the checks find them.
//!
//! Each is a rule of the protocols left out, at the one place that keeps it. They exist only with
//! the cargo feature `planted-bugs`; without it [`Bugs`] is empty, [`Bugs::has`] is a constant, and
//! the compiler removes both the question and the wrong answer. `double-trouble prove` asks for
//! them by flag, the explorer of the pure cores by value. Three hold for a process as a whole, since what
//! parses a number or a name ([`wire::planted`]), or panics ([`panics`]), knows of no flags.
//!
//! * [`args`]: the flags, `--plant BUG`, `--stretch POINT=MS`, `--slow-trades PERCENT` and
//!   `--panic-at PART`.
//! * [`stretch`]: delays that widen the moments in which a bug does harm.
//! * [`slowdown`]: no bug, but trades that take longer.
//! * [`panics`]: no bug either, but a part that panics.
//!
//! [`Bug::AnswerBeforeFlush`] needs a machine that loses what was not flushed, and a process that
//! is killed loses nothing that it has handed to the operating system. So the bug hands nothing
//! over: [`storage`](crate::storage) answers at once and holds the COMMIT back for
//! [`HOLD_BACK`]; a SIGKILL within that time leaves the file as it was at the last COMMIT, which is
//! what a power failure would leave of commits that were not flushed. [`Bug::LeaveOutFlush`] is the real
//! thing: it needs a power cut (the harness's fault of that name).

pub mod args;
pub mod panics;
pub mod slowdown;
pub mod stretch;

pub use args::PlantedArgs;
pub use panics::{Panics, Part};
pub use slowdown::Slowdown;
pub use stretch::{Point, Stretches};

/// How long [`Bug::AnswerBeforeFlush`] holds a COMMIT back: long enough for a kill to hit it.
pub const HOLD_BACK: std::time::Duration = std::time::Duration::from_millis(500);

/// What is planted in a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// The rules that are left out.
    pub bugs: Bugs,
    /// The moments that are made longer.
    pub stretches: Stretches,
    /// By how much trades are slowed.
    pub slowdown: Slowdown,
    /// What panics.
    pub panics: Panics,
}

/// A rule that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "planted-bugs", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Bug {
    /// Order: a number is answered once the leader itself has it.
    AcknowledgeBeforeReplicating,
    /// Order, catalog: what is answered is not on disk yet (see the module).
    AnswerBeforeFlush,
    /// All: a commit is not flushed, whatever `--durability` says.
    LeaveOutFlush,
    /// Order: a trade that has a number gets another (R8).
    NoOrderLogCheck,
    /// Order: the next number follows what is on disk, whatever waits to be written (R8).
    NumberFromDisk,
    /// Order: a leader counts the numbers that it answers from its takeover on (R8).
    CountFromTakeover,
    /// Order: a repeat is told its number before that is committed (R7).
    AnswerUncommittedRepeat,
    /// Order: lookups show orders before they are committed (R7).
    ServeUncommitted,
    /// Order: a new leader lets even lookups wait of what it knows to be committed (G3).
    LookupWaitsForTakeover,
    /// Order: a follower keeps what the leader lacks (I3).
    KeepConflictingTail,
    /// Order: a message drops whatever it does not mention, of its own epoch too (R6).
    DropOwnEpoch,
    /// Order: a follower takes messages of epochs that are over, and drops for them what it
    /// holds of newer ones (R5).
    NoEpochCheckAtFollower,
    /// Order: a follower says yes to entries that leave a gap to what it holds (R5).
    AcknowledgeGaps,
    /// Order: a member that fails is no longer waited for, whatever the front-end says (R2).
    ShrinkWithoutFrontEnd,
    /// Order: a replica that is being added is not waited for until the answer is in (R2).
    AddWithoutWaiting,
    /// Order: replicas are added before it is known what is committed (R2).
    AddWhileReconciling,
    /// Order: a leader waits for a member that fails, and never asks for its removal (R2).
    NeverRemove,
    /// Order: a replica that has caught up is not let in again (R2).
    NeverRejoin,
    /// Order: a replica that hears of its removal ends, and does not catch up (R2).
    EndWhenRemoved,
    /// Order: a replica that has caught up is let in at once, however often it was removed (G2).
    ReadmitAtOnce,
    /// Order: however often it was removed, it has to keep up for as long as the first time (G2).
    ConstantWhile,
    /// Order: time in sync makes up for no removal (G2).
    CountRemovalsForEver,
    /// Order: an exchange that fails or is slow does not begin the while anew (G2).
    KeepUpWhatever,
    /// Order: who was slow comes back without a write that shows that it no longer is (G2).
    ReadmitWithoutProof,
    /// Order: a member that answers, and always far later than another, stays one (G2).
    KeepWhoDrags,
    /// Order, front-end: a restarted leader goes on in its old epoch, and is let (R4).
    LeadOldEpoch,
    /// Order: an epoch is led, or accepted, and not put on disk (I4).
    ForgetEpoch,
    /// Order: a new leader does not ask what was applied without a number (E1).
    SkipUnnumbered,
    /// Order: a trade ends with the connection that brought it (E2).
    DieWithConnection,
    /// Order: a leader asks the catalog once, and gives up if it is not answered (E2).
    AskOnce,
    /// Order: a trade whose task panics is nobody's affair any more (E2).
    DieWithTask,
    /// Order, front-end: a call that broke, or was not answered, counts as not delivered (E4).
    SilenceIsNo,
    /// Order, front-end: only the last attempt counts for what is certain (E4).
    ForgetAttempts,
    /// All: internal endpoints share the bound of what clients cause (E5).
    OneBound,
    /// All: what clients read shares its bound with their trades (G3).
    ReadsShareWithTrades,
    /// All: a read that has to ask another process shares its bound with those that need not (G3).
    QuestionsShareWithReads,
    /// Order: each trade that waits for the catalog asks it by itself (G3).
    WaitApart,
    /// All: a process goes on without a part that owned state, and panicked (G4).
    OutlivePanics,
    /// Front-end: an election does not look whether the configuration has changed since (R1).
    NoCompareAndSet,
    /// Front-end: while a replica is out of sync nothing is sold, although those that are left could (R2).
    SellNothingWhileReduced,
    /// Front-end: removing a replica that is no member leaves the version as it is (R2).
    QuietRemoval,
    /// Front-end: any replica that answers may lead (R3).
    ElectOutOfSync,
    /// Front-end: without a configuration it begins anew, whatever the replicas hold (R3).
    BeginOverOrders,
    /// Front-end: a broken connection deposes the leader, whatever that answers (R9).
    ElectOnBrokenConnection,
    /// Front-end: a leader that answers pings is not doubted, whatever it says of its disk and its
    /// links (G1).
    TrustWhoeverAnswers,
    /// Front-end: what a leader has begun to write may take as long as it likes (G1).
    TrustWhoIsStuck,
    /// Front-end: so may what it wrote last (G1).
    TrustWhoIsSlow,
    /// Front-end: whom a leader cannot reach is its own affair (G1).
    TrustWhoIsCutOff,
    /// Front-end: a leader that does not reach a member is doubted (G1).
    DoubtForMember,
    /// Front-end: a candidate that answers a ping is better than a leader that is doubted (G1).
    ElectWithoutProof,
    /// Front-end: who writes something can lead, whomever it reaches (G1).
    ProveWithoutReach,
    /// Front-end: a leader that was doubted goes, even if it proves that it can lead (G1).
    DeposeWhoProves,
    /// Front-end: elections because the leader cannot work follow each other at once (G1).
    NoBackOff,
    /// Front-end: the pause after such an election is always as long as the first (G1).
    ConstantPause,
    /// Front-end: time without doubt makes up for nothing (G1).
    NeverForgive,
    /// Front-end: who was deposed because it cannot work is chosen again before all others (G1).
    ForgetDeposed,
    /// Front-end: a fill is cached and answered whatever has been pushed since (C2).
    CacheLateFill,
    /// Front-end: dropping a stock from the cache forgets its floor (C2).
    ForgetFloor,
    /// Front-end: the cache has two copies that take turns, and a push reaches one of them (C2).
    TwoCopies,
    /// Front-end: the cache is still on when the listener closes (C3).
    CacheOnWhileClosing,
    /// Front-end: a trade that is sent again goes under another request id.
    FreshIdOnRetry,
    /// Catalog: a repeated request is applied again.
    NoRequestIdCheck,
    /// Catalog: trades of epochs that are over are applied (E1).
    NoEpochCheckAtCatalog,
    /// Catalog: a key that comes with another trade gets the first one's outcome (E3).
    NoBodyCheck,
    /// Catalog: a refused trade counts towards its stock's volume.
    CountRefused,
    /// Catalog: what is committed is shown and answered without telling the front-end (C1).
    SkipInvalidation,
    /// Catalog: a stock is shown with its new volume and the quantity from before.
    HalfShown,
    /// Catalog: a push that broke, or was not answered, counts as refused (C3).
    SilenceIsDeath,
    /// Catalog: what came of a push is believed, whatever was filled since it began (C3b).
    FillDuringPush,
    /// Order: numbers follow the order in which answers arrive, and not the places (N1).
    NumberByArrival,
    /// Order: a gap in the places is waited for, and not asked for (N1).
    NeverAskForGap,
    /// All: whose bazaar a file is makes no difference (L1).
    TakeAnyBazaar,
    /// Order: an acknowledgement counts, whichever database of the replica it came from (L1).
    CountAnyDatabase,
    /// Order: a member whose database is another one stays a member (L1).
    KeepAnotherDatabase,
    /// Front-end: a replica is a member by its id, whatever its database (L1).
    MemberByIdAlone,
    /// Order: a process does not go by the commit mark that it finds on its disk (L2).
    ForgetMark,
    /// Order: what is committed is dropped for a leader that lacks it (L2).
    DropCommitted,
    /// Order: what is committed becomes another trade if a leader says so (L2).
    ReplaceCommitted,
    /// Order: what is committed is another trade once it stands under a newer epoch (L2).
    RefuseNewEpoch,
    /// Order: a member that refuses to change what is committed counts as one that failed (L2).
    RemoveWhoRefuses,
    /// Front-end: the highest id leads, however short its log (L3).
    ElectHighestId,
    /// All: a leader serves whatever is known to be committed (L3).
    NoFloor,
    /// Front-end: what replicas say to be committed is not kept (L3).
    KeepNoFloor,
    /// Front-end: a fence is at the highest epoch that anybody has heard of, not above it (L4).
    FenceAtHeard,
    /// Front-end: without a configuration, what the replicas said before they were fenced counts (L4).
    CountBeforeFence,
    /// Front-end: without a configuration it goes by the replicas that answer (L4).
    AdoptFromSome,
    /// Front-end: without a configuration a new file counts like any other (L4).
    NewFileVouches,
    /// Front-end: without a configuration the highest id leads, however short its log (L4).
    AdoptHighestId,
    /// Front-end: without a configuration everybody is in sync at once (L4).
    AdoptEverybody,
    /// Order: configurations are compared by their version alone (L5).
    CompareVersions,
    /// Front-end: it goes on from the epoch in its file, whatever others have heard (L5).
    NoEpochInquiry,
    /// Order: an epoch that was only heard of shuts nobody out (L5).
    ObeyBelowHeard,
    /// Order: whatever process comes to hear of it leads (L5).
    LeadAnyIncarnation,
    /// Catalog: a start goes on before the front-end has told the epoch (L6).
    OpenUntold,
    /// Order: an answer is numbered, whichever incarnation of the catalog it came from (L6).
    NumberFromAnyLife,
    /// Order: a catalog that was restarted is not listed again (L6).
    ListOnce,
    /// Order: the others are made equal before the catalog is asked (L7).
    ReconcileFirst,
    /// Order: a takeover ends where the log ended before the list (L7).
    EndBeforeList,
    /// Order: a new leader serves once it has listed, whatever it knows to be committed (L7).
    ServeUnreconciled,
    /// Order: a catalog that holds less than the log is not filled (L7).
    NeverFill,
    /// Order: a catalog that lost something is filled by the leader (L7).
    FillByAnybody,
    /// Front-end: a new catalog is filled from the longest log of the members (L7).
    FillFromMember,
    /// Front-end: for a new catalog, what the replicas said before they were fenced counts (L7).
    FillBeforeFence,
    /// Order: a trade whose place is taken gets another number (L7).
    NumberOverContradiction,
    /// Catalog: a start shows and decides before a leader has listed it (L7).
    ServeUnlisted,
    /// Catalog: the log's last entry is not compared with what stands in its place (L7).
    OpenOverContradiction,
    /// Catalog: what it is filled with is not compared with what it holds (L7).
    FillOverContradiction,
    /// Catalog: a start does not look which versions the front-end has seen (L8).
    ReuseVersions,
    /// Order: the first page of a list is taken for the list (L9).
    ListOnePage,
    /// All: requests of other origins and for other host names are answered (S1).
    AnswerStrangers,
    /// All: internal endpoints are open to anybody (S1).
    AdmitAnybody,
    /// All: the headers of the protocols are believed without the token (S2).
    BelieveAnybody,
    /// Order: an epoch above the known one is stored without asking the front-end (S2).
    StoreUnconfirmedEpochs,
    /// Catalog: trades of stocks that do not exist are recorded (S3).
    RecordUnknownStocks,
    /// All: counters may be of any size (S2).
    TakeAnyNumber,
    /// All: names of stocks may be of any length (S3).
    TakeAnyLength,
    /// Front-end: floors are kept for whatever is named in pushes, however many there are (S3).
    KeepAnyFloor,
    /// All: a request takes its place before its body is there (S4).
    PlaceBeforeBody,
    /// All: a connection may take as long as it likes over a header or a body (S4).
    KeepWhoIdles,
    /// All: an answer may take as long as it likes to be taken (S4).
    KeepWhoNeverReads,
    /// All: the bazaar's own share the places for connections with clients (S4).
    NoReserve,
    /// Catalog, order: any list request opens the catalog, whichever incarnation that was meant for (L6).
    OpenForAnyList,
}

/// The bugs that are planted in a process: none, unless the feature is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bugs {
    #[cfg(feature = "planted-bugs")]
    planted: u128,
}

impl Bugs {
    /// Whether `bug` is planted.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn has(self, bug: Bug) -> bool {
        self.planted & (1 << bug as u64) != 0
    }

    /// Whether `bug` is planted: never, in a build without the feature.
    #[cfg(not(feature = "planted-bugs"))]
    #[must_use]
    pub const fn has(self, _bug: Bug) -> bool {
        false
    }

    /// These, and `bug`.
    #[cfg(feature = "planted-bugs")]
    #[must_use]
    pub const fn with(self, bug: Bug) -> Self {
        Self { planted: self.planted | (1 << bug as u64) }
    }
}
