//! References and patterns, read as Docker reads them.

use proptest::prelude::*;

use super::*;

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const ONES: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn reference(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn pattern(text: &str) -> ImagePattern {
    ImagePattern::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn allows(allowed: &str, asked: &str) -> bool {
    ImageReference::parse(asked).is_ok_and(|asked| pattern(allowed).matches(&asked))
}

#[test]
fn what_docker_refuses_is_no_reference() {
    let long = "a".repeat(256);
    for text in [
        "",
        " ",
        "postgres:16 ",
        " postgres:16",
        "postgres:16\n",
        "postgres:16\0",
        "postgres:",
        "postgres:16@",
        "postgres@sha256:",
        "postgres@sha256:00",
        "postgres@md5:00000000000000000000000000000000",
        ":16",
        "library//postgres:16",
        "./postgres:16",
        "../postgres",
        "/postgres:16",
        "postgres/:16",
        "Postgres:16",
        "library/Postgres:16",
        "Library/postgres:16",
        "https://docker.io/library/postgres:16",
        "docker.io/library/postgres:16:17",
        "postgres:16\u{200b}",
        "postgres:\u{df}",
        "p\u{43e}stgres:16",
        "postgres:16?x=y",
        "postgres:16#x",
        "postgres:16%20",
        "post*gres",
        "-postgres",
        "postgres-",
        "[::1]:5000/postgres:16",
        &long,
    ] {
        assert!(ImageReference::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn image_ids_are_no_names() {
    let hex = ZEROS.trim_start_matches("sha256:");
    assert_eq!(ImageReference::parse(hex), Err(ImageReferenceError::Identifier));
    for text in [ZEROS, "sha256:deadbeef", "sha256", "library/sha256:0", "docker.io/sha256:0"] {
        assert_eq!(ImageReference::parse(text), Err(ImageReferenceError::Identifier), "{text}");
    }
    assert!(!allows("*:*", "sha256:deadbeef"));
}

#[test]
fn a_short_id_is_a_name_to_the_grammar_and_told_apart() {
    assert!(!allows("postgres:16", "deadbeef"));
    for (text, expected) in [("deadbeef", true), ("a", true), ("cafe:1", false), ("x/cafe", false), ("cafes", false)] {
        assert_eq!(reference(text).could_be_id_prefix(), expected, "{text}");
    }
}

#[test]
fn a_digest_in_upper_case_is_refused() {
    let upper = format!("postgres@sha256:{}", "A".repeat(64));
    assert_eq!(ImageReference::parse(&upper), Err(ImageReferenceError::DigestCase));
}

#[test]
fn all_spellings_of_an_image_are_one() {
    let canonical = reference("docker.io/library/postgres:16");
    for text in ["postgres:16", "library/postgres:16", "docker.io/postgres:16", "index.docker.io/library/postgres:16"] {
        assert_eq!(reference(text), canonical, "{text}");
        assert_eq!(reference(text).familiar(), "postgres:16");
        assert_eq!(reference(text).canonical(), "docker.io/library/postgres:16");
    }
}

#[test]
fn other_registries_are_other_images() {
    for asked in [
        "evil.example/library/postgres:16",
        "docker.io:443/library/postgres:16",
        "Docker.io/library/postgres:16",
        "DOCKER.IO/library/postgres:16",
        "registry-1.docker.io/library/postgres:16",
        "index.docker.io:443/library/postgres:16",
        "localhost/library/postgres:16",
        "localhost:5000/postgres:16",
        "docker.io./library/postgres:16",
        "evil/postgres:16",
        "library/library/postgres:16",
        "docker/library/postgres:16",
    ] {
        for allowed in ["postgres:16", "postgres:*", "library/*:16", "*:16"] {
            assert!(!allows(allowed, asked), "{allowed} on {asked}");
        }
    }
}

#[test]
fn other_images_do_not_match() {
    for asked in [
        "evil:1",
        "postgres",
        "postgres:latest",
        "postgres:16-alpine",
        "postgres:1",
        "postgres:160",
        "mypostgres:16",
        "postgres2:16",
        "scratch",
        &format!("postgres@{ZEROS}"),
        &format!("postgres:16@{ZEROS}"),
    ] {
        assert!(!allows("postgres:16", asked), "{asked}");
    }
}

#[test]
fn a_star_stays_in_its_component() {
    for (allowed, asked, expected) in [
        ("agent/*:1", "agent/a:1", true),
        ("agent/*:1", "agent/a/b:1", false),
        ("agent/*:1", "agent:1", false),
        ("agent/test-*", "agent/test-db", true),
        ("agent/test-*", "agent/test-db:2", false),
        ("agent/test-*:*", "agent/test-db:2", true),
        ("*/db:1", "team/db:1", true),
        ("*/db:1", "registry.example/db:1", false),
        ("quay.io/*/db:1", "quay.io/team/db:1", true),
        ("postgres:16*", "postgres:16", true),
        ("postgres:16*", "postgres:16.4-alpine", true),
        ("postgres:16*", "postgres:15", false),
        ("localhost/*:1", "localhost/a:1", true),
        ("*:1", "anything:1", true),
        ("*:1", "team/anything:1", false),
    ] {
        assert_eq!(allows(allowed, asked), expected, "{allowed} on {asked}");
    }
}

#[test]
fn a_digest_decides_alone() {
    let pinned = format!("postgres@{ZEROS}");
    let tagged = format!("postgres:16@{ZEROS}");
    for (allowed, asked, expected) in [
        (pinned.as_str(), pinned.as_str(), true),
        (&pinned, &tagged, true),
        (&pinned, "postgres:16", false),
        (&pinned, "postgres", false),
        (&tagged, &pinned, true),
        (&tagged, &tagged, true),
        (&tagged, "postgres:16", false),
        (&tagged, &format!("postgres:17@{ZEROS}"), false),
        (&tagged, &format!("postgres:16@{ONES}"), false),
        (&pinned, &format!("redis@{ZEROS}"), false),
        ("postgres:*", &pinned, true),
        ("postgres:16*", &pinned, false),
        ("postgres", &pinned, false),
    ] {
        assert_eq!(allows(allowed, asked), expected, "{allowed} on {asked}");
    }
}

#[test]
fn an_image_by_id_is_judged_by_its_names() {
    let tags = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let digests = tags(&[&format!("postgres@{ZEROS}")]);
    assert!(pattern("postgres:16").matches_any_of(&tags(&["redis:7", "postgres:16"]), &[]));
    assert!(!pattern("postgres:16").matches_any_of(&tags(&["<none>:<none>", "redis:7"]), &digests));
    assert!(!pattern("postgres:16").matches_any_of(&[], &[]));
    assert!(pattern(&format!("postgres:16@{ZEROS}")).matches_any_of(&[], &digests));
    assert!(!pattern(&format!("postgres@{ONES}")).matches_any_of(&tags(&["postgres:16"]), &digests));
}

#[test]
fn no_tag_is_the_latest_and_stays_visible() {
    assert_eq!(reference("redis").tag, None);
    assert_eq!(reference("redis:latest").tag.as_deref(), Some("latest"));
    assert_eq!(reference("redis").familiar(), "redis:latest");
    assert_eq!(reference("redis").with_default_tag(), reference("redis:latest"));
    assert_eq!(reference("host.example:5000/redis").tag, None);
    assert!(allows("redis", "redis:latest") && allows("redis:latest", "redis"));
    let pinned = format!("redis@{ZEROS}");
    assert_eq!(reference(&pinned).with_default_tag().familiar(), pinned);
}

#[test]
fn familiar_names_are_those_of_the_engine() {
    for (text, familiar) in [
        ("docker.io/testcontainers/ryuk:0.14.0", "testcontainers/ryuk:0.14.0"),
        ("docker.io/library/a/b:1", "library/a/b:1"),
        ("quay.io/library/postgres:16", "quay.io/library/postgres:16"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
    ] {
        assert_eq!(reference(text).familiar(), familiar);
    }
}

#[test]
fn patterns_are_references_with_stars() {
    for text in [
        "",
        "*:*:*",
        "**",
        "postgres:**",
        "Postgres:16",
        "https://postgres",
        "*.example/db",
        "registry.*:5000/db",
        "db:16@sha256:*",
        "db@*",
        "*@*",
        "db ",
        "library//db",
        "db:\u{df}*",
    ] {
        assert!(ImagePattern::parse(text).is_err(), "{text:?}");
    }
    let error = ImagePattern::parse("*.example/db").expect_err("a star in the registry");
    assert_eq!(error.to_string(), "`*.example/db` is not an image reference: a registry is written in full");
}

proptest! {
    #[test]
    fn canonical_spelling_is_a_fixed_point(text in "([a-zA-Z0-9.-]{1,8}(:[0-9]{1,4})?/)?[a-z0-9._/-]{1,12}(:[a-zA-Z0-9._-]{1,6})?") {
        if let Ok(parsed) = ImageReference::parse(&text) {
            let parsed = parsed.with_default_tag();
            prop_assert_eq!(&reference(&parsed.canonical()), &parsed);
            prop_assert_eq!(&reference(&parsed.familiar()), &parsed);
            prop_assert!(pattern(&text).matches(&parsed));
        }
    }

    #[test]
    fn a_literal_pattern_matches_nothing_but_its_image(asked in "\\PC{0,24}") {
        if let Ok(asked) = ImageReference::parse(&asked) {
            let same = asked.clone().with_default_tag().canonical() == "docker.io/library/postgres:16";
            prop_assert_eq!(pattern("postgres:16").matches(&asked), same);
        }
    }
}
