//! Which peers are judged how.
#![forbid(unsafe_code)]

use super::*;

fn judge(policy: &Policy, ip: &str) -> Verdict {
    policy.judge(&ip.parse().unwrap(), None)
}

#[test]
fn special_purpose_addresses_are_denied_in_every_form() {
    let policy = Policy::new();
    let denied = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9 \
         168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 \
         192.168.1.1 198.18.0.1 198.19.255.255 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 \
         255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 \
         64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b:1::8.8.8.8 2002:7f00:1:: 2002:a00:1::5 \
         2002:c0a8:101::1 2001:0:4136:e378:8000:63bf:80ff:fffe fd00::1 fc00::1 fd00:ec2::254 \
         fe80::1 febf::1 fec0::1 ff02::1 2001:db8::1 100::1 2a00::5efe:10.0.0.1 5f00::1 4000::1 \
         8000::1 2001:4:112::1 2001:1ff::1 2001:20::1 fd20:ce::254 fd00:c1::a9fe:a9fe 1000::1 \
         100.100.100.200 169.254.170.2";
    for ip in denied.split_whitespace() {
        assert_eq!(judge(&policy, ip), Verdict::Deny, "{ip}");
    }
    let allowed = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.1 \
         198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00::1 64:ff9b::8.8.8.8 \
         2002:808:808::1 2001:200::1 3ffe::1";
    for ip in allowed.split_whitespace() {
        assert_eq!(judge(&policy, ip), Verdict::Allow, "{ip}");
    }
}

#[test]
fn the_most_specific_range_decides() {
    let mut policy = Policy::new();
    for range in ["10.0.0.0/8", "10.1.2.3", "127.0.0.0/8"] {
        policy.allow(range.parse().unwrap());
    }
    for range in ["0.0.0.0/0", "10.1.0.0/16", "127.0.0.0/8"] {
        policy.deny(range.parse().unwrap());
    }
    assert_eq!(judge(&policy, "10.0.0.1"), Verdict::Allow);
    assert_eq!(judge(&policy, "10.1.0.1"), Verdict::Deny);
    assert_eq!(judge(&policy, "10.1.2.3"), Verdict::Allow);
    assert_eq!(judge(&policy, "127.0.0.1"), Verdict::Deny);
    assert_eq!(judge(&policy, "8.8.8.8"), Verdict::Deny);
    assert_eq!(judge(&policy, "2606:4700::1111"), Verdict::Allow);
}

#[test]
fn a_range_allowed_is_allowed_in_its_translated_forms() {
    let mut policy = Policy::new();
    policy.allow("10.0.0.0/8".parse().unwrap());
    assert_eq!(judge(&policy, "64:ff9b::10.0.0.1"), Verdict::Allow);
    assert_eq!(judge(&policy, "64:ff9b::192.168.0.1"), Verdict::Deny);
}

#[test]
fn own_addresses_lead_inside_or_nowhere() {
    let mut policy = Policy::new();
    policy.own("1.2.3.4".parse().unwrap());
    assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Deny);
    policy.relay("1.2.3.4".parse().unwrap());
    assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Inside);
    assert_eq!(judge(&policy, "64:ff9b::1.2.3.4"), Verdict::Deny);
    policy.allow("::/0".parse().unwrap());
    assert_eq!(judge(&policy, "::ffff:8.8.8.8"), Verdict::Deny);
    assert_eq!(judge(&policy, "64:ff9b::1.2.3.4"), Verdict::Deny);
    policy.deny("1.2.3.4".parse().unwrap());
    assert_eq!(judge(&policy, "1.2.3.4"), Verdict::Deny);
}

fn policy(allow: &str, deny: &str) -> Policy {
    let mut policy = Policy::new();
    let read = |text: &str| {
        text.split_whitespace()
            .map(|r| r.parse().unwrap())
            .collect()
    };
    policy.set_ranges(read(allow), read(deny));
    policy
}

#[test]
fn what_is_allowed_opens_nothing_narrower_that_is_denied_from_the_outset() {
    let mut wide = policy(
        "10.0.0.0/8 0.0.0.0/0 fc00::/7 169.254.0.0/16 2000::/3 64:ff9b::/96",
        "",
    );
    wide.own("10.0.0.5".parse().unwrap());
    wide.own("fd00::5".parse().unwrap());
    for ip in [
        "10.0.0.5",
        "fd00::5",
        "192.168.0.1",
        "127.0.0.1",
        "fd20:ce::254",
        "fd00:ec2::254",
        "169.254.169.254",
        "2001:db8::1",
        "2002:a00:5::1",
        "64:ff9b::10.0.0.5",
        "64:ff9b::192.168.0.1",
    ] {
        assert_eq!(judge(&wide, ip), Verdict::Deny, "{ip}");
    }
    for ip in [
        "10.0.0.6",
        "fd00::6",
        "169.254.1.1",
        "8.8.8.8",
        "64:ff9b::10.0.0.6",
    ] {
        assert_eq!(judge(&wide, ip), Verdict::Allow, "{ip}");
    }
    let exact = policy("10.0.0.5 fd20:ce::254 64:ff9b::192.168.0.0/112", "");
    for ip in ["10.0.0.5", "fd20:ce::254", "64:ff9b::192.168.0.1"] {
        assert_eq!(judge(&exact, ip), Verdict::Allow, "{ip}");
    }
}

#[test]
fn ranges_may_open_and_close_ports() {
    let mut policy = policy(
        "10.0.0.5:20000-29999 [fd00::5]:20000-29999",
        "8.8.8.8:53 10.0.0.5:20500",
    );
    policy.relay("10.0.0.5".parse().unwrap());
    policy.own("fd00::5".parse().unwrap());
    let at = |peer: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        policy.judge(&peer.ip(), Some(peer.port()))
    };
    assert_eq!(at("10.0.0.5:20000"), Verdict::Allow);
    assert_eq!(at("[fd00::5]:29999"), Verdict::Allow);
    assert_eq!(at("10.0.0.5:19999"), Verdict::Inside);
    assert_eq!(at("10.0.0.5:20500"), Verdict::Deny);
    assert_eq!(at("[fd00::5]:30000"), Verdict::Deny);
    assert_eq!(at("8.8.8.8:53"), Verdict::Deny);
    assert_eq!(at("8.8.8.8:54"), Verdict::Allow);
    // A permission has no port: it is given where some port is open.
    assert_eq!(judge(&policy, "10.0.0.5"), Verdict::Allow);
    assert_eq!(judge(&policy, "8.8.8.8"), Verdict::Allow);
    assert!(policy.names_ports() && !Policy::new().names_ports());
}

#[test]
fn a_local_route_is_found_out_and_loopback_is_a_range() {
    let mut policy = policy("11.0.0.0/8 127.0.0.0/8", "");
    policy.set_probe(|ip| *ip == IpAddr::from([11, 7, 0, 1]) || ip.is_loopback());
    policy.own("127.0.0.1".parse().unwrap());
    assert_eq!(judge(&policy, "11.7.0.1"), Verdict::Deny);
    assert_eq!(judge(&policy, "64:ff9b::11.7.0.1"), Verdict::Deny);
    assert_eq!(judge(&policy, "11.7.0.2"), Verdict::Allow);
    assert_eq!(judge(&policy, "127.0.0.1"), Verdict::Allow);
}

#[test]
fn nat64_prefixes_can_be_named() {
    let mut policy = Policy::new();
    for prefix in ["2a00:64::/96", "64:ff9b:1::/48"] {
        assert!(policy.nat64(prefix.parse().unwrap()));
    }
    assert!(!policy.nat64("2a00::/31".parse().unwrap()));
    for (ip, verdict) in [
        ("2a00:64::10.0.0.1", Verdict::Deny),
        ("2a00:64::8.8.8.8", Verdict::Allow),
        ("64:ff9b:1:808:8:800::", Verdict::Allow),
        ("64:ff9b:1:a00:0:100::", Verdict::Deny),
        ("2a00:65::10.0.0.1", Verdict::Allow),
    ] {
        assert_eq!(judge(&policy, ip), verdict, "{ip}");
    }
}
