//! Every setting is set from code by what the library exports, and by nothing else.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use callbox::{
    AccessLog, AccountsSettings, AllowedHost, Announce, ListenAddr, LogFormat, Network,
    NoListenAddr, PeerLimits, Percent, ProcessSettings, Settings, Switch, TlsSettings,
};

const TIME: Duration = Duration::from_secs(7);

fn tls() -> TlsSettings {
    TlsSettings {
        tls_listen: vec![ListenAddr::Host("localhost".into(), 0)],
        tls_cert: Some("cert.pem".into()),
        tls_key: Some("key.pem".into()),
        tls_client_ca: Some("ca.pem".into()),
        tls_client_required: true,
    }
}

fn process() -> ProcessSettings {
    ProcessSettings {
        log_format: LogFormat::Json,
        access_log: AccessLog::All,
        announce: Announce::Off,
        max_connections: 7,
        max_memory: Some(7),
        max_share: "7%".parse::<Percent>().unwrap(),
        unix_mode: 0o600,
        drain_delay: TIME,
        drain_deadline: TIME,
    }
}

fn accounts() -> AccountsSettings {
    let mut accounts = AccountsSettings::default();
    accounts.accounts = Some("accounts.toml".into());
    accounts.accounts_memory = TIME;
    accounts
}

fn limits() -> PeerLimits {
    let mut limits = PeerLimits::default();
    limits.max_body_bytes = 7;
    limits.max_bodies_bytes = 7;
    limits.max_depth = 7;
    limits.max_multicall_entries = 7;
    limits.max_calls = 7;
    limits.max_blocking_calls = 7;
    limits.header_deadline = TIME;
    limits.body_deadline = TIME;
    limits.method_deadline = TIME;
    limits.write_deadline = TIME;
    limits.max_connection_age = Some(TIME);
    limits
}

#[test]
fn each_setting_can_be_set_from_code() {
    let mut settings = Settings::default();
    settings.listen = vec![ListenAddr::Unix("/run/shop.sock".into()), ListenAddr::Inherit(None)];
    settings.admin_listen = ListenAddr::Unix("/run/shop-admin.sock".into());
    settings.tls = tls();
    settings.allow_host = vec!["shop.example".parse::<AllowedHost>().unwrap()];
    settings.trust_forwarded = vec!["10.0.0.0/8".parse::<Network>().unwrap()];
    settings.accounts = accounts();
    settings.json = Switch::Off;
    settings.page = Switch::Off;
    settings.slow_call = TIME;
    settings.limits = limits();
    settings.process = process();

    let (set, default) = (format!("{settings:#?}"), format!("{:#?}", Settings::default()));
    let values = |line: &&str| line.contains(": ") && !line.ends_with(['{', '[']);
    for line in default.lines().filter(values) {
        assert!(!set.lines().any(|other| other == line), "not set: {line}");
    }
}

#[test]
fn what_is_no_address_is_told() {
    assert_eq!("localhost".parse::<ListenAddr>(), Err(NoListenAddr));
}
