//! Known answers for every key that is derived, made by `hashlib` and `cryptography` of Python from
//! the text of `spec/format.md` section 11; and what a key record refuses.

use zarc::base::{Digest, Environment, ErrorKind, Result, Timestamp};
use zarc::crypto::{KeyCost, KeyRecord, MasterKey, Password};

/// Throws 0, 1, 2 and so on, in each call anew.
fn environment() -> Environment {
    Environment { now: Timestamp::default, random: count }
}

#[expect(clippy::unnecessary_wraps, reason = "an environment asks for it")]
fn count(bytes: &mut [u8]) -> Result<()> {
    (0_u8..).zip(bytes).for_each(|(number, byte)| *byte = number);
    Ok(())
}

const ID: [u8; 16] = *b"sixteen byte id!";

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec())
}

fn record() -> KeyRecord {
    let key = MasterKey::generate(ID, &environment()).unwrap();
    let cost = KeyCost::with_log_n(10).unwrap();
    KeyRecord::wrap(&key, &password("correct horse"), cost, 7, &environment()).unwrap()
}

#[test]
fn a_key_record_opens_with_its_password_only() {
    let bytes = record().encode();
    assert_eq!(bytes.len(), KeyRecord::LEN);
    let read = KeyRecord::decode(&bytes, &ID).unwrap();
    assert_eq!((&read, read.generation()), (&record(), 7));
    let key = read.unwrap(&password("correct horse")).unwrap();
    let made = MasterKey::generate(ID, &environment()).unwrap();
    let keys = |key: &MasterKey| key.identity_key().keyed_hash(&[b"x"]);
    assert_eq!(keys(&key), keys(&made));
    for wrong in ["", "correct horse ", "Correct horse"] {
        let error = read.unwrap(&password(wrong)).unwrap_err();
        assert_eq!(error.to_string(), "wrong password");
    }
}

#[test]
fn every_flipped_bit_of_a_key_record_is_found() {
    let bytes = record().encode();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = KeyRecord::decode(&damaged, &ID).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "bit {bit}");
    }
}

/// A record with other bytes and a right checksum: what somebody may have made on purpose.
fn forged(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = record().encode();
    bytes[at] = byte;
    let checksum = Digest::of(&bytes[..128]);
    bytes[128..].copy_from_slice(&checksum.as_bytes()[..16]);
    bytes
}

#[test]
fn a_key_that_would_cost_too_much_is_refused_before_it_is_made() {
    for (at, byte) in [(6, 9), (6, 21), (6, 255), (7, 9), (7, 0), (8, 0), (8, 5), (4, 2), (5, 2)] {
        let error = KeyRecord::decode(&forged(at, byte), &ID).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "byte {at} is {byte}");
    }
    assert!(KeyRecord::decode(&record().encode(), b"another archive!").is_err());
    // Another cost, salt or key under a right checksum is a wrong password, never a wrong key.
    for (at, byte) in [(6, 11), (12, 8), (40, 77), (70, 77), (100, 77)] {
        let read = KeyRecord::decode(&forged(at, byte), &ID).unwrap();
        assert!(read.unwrap(&password("correct horse")).is_err(), "byte {at}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn derived_keys_are_those_of_the_specification() {
    let key = MasterKey::generate(ID, &environment()).unwrap();
    let keys = key.update_keys(3, &Digest::from_bytes([0x11; 32]), &Digest::from_bytes([0x22; 32]));
    let mut zeros = [0; 40];
    keys.apply_keystream(5, &mut zeros);
    for (made, known) in [
        (
            hex(&record().encode()),
            "5a4b455901010a0801000000070000007369787465656e206279746520696421000102030405060708090a\
             0b0c0d0e0f101112131415161718191a1b1c1d1e1f8ded896772dd12a759bce183c6da1d7b1b6bbe498735\
             897cd8c4acc294039d1e483fb910d47ad682f04ed736caa6b01751bb03fc2d7f169661929d54c9ccd970f5\
             2dd0ced83d722a2c0f1ce98bcdebb6",
        ),
        (
            hex(&key.identity_key().keyed_hash(&[b"x"])),
            "eeecf6c1478b86be13ef3117e8ccf872e95003fdcbae1b0e35d6521be24cbbc8",
        ),
        (
            hex(&key.cut_constants::<58>()),
            "61c420312e95c30aeb69da4edb2dec4e63ea792b11942751e9404f19d4737f0f56890a3312f0396bca98642c\
             318456b4c94d1d2a3e360ac4ca72",
        ),
        (
            hex(&zeros),
            "55f51ce46c9db19f623793d9e14e1ccaa3a2dbfb2279f0e76b534ce5ab6f12096179535c2be5295b",
        ),
        (
            hex(keys.tag(&[b"header", b"payload"]).as_bytes()),
            "9a184ff37dd700c4ed7a723de72eeae657c806cca91bfaff986674f422eea38d",
        ),
    ] {
        assert_eq!(made, known);
    }
    let tag = keys.tag(&[b"ab"]);
    assert_eq!(keys.checked_tag(tag.as_bytes(), &[b"a", b"b"]), Some(tag));
    assert_eq!(keys.checked_tag(tag.as_bytes(), &[b"ac"]), None);
}

#[test]
fn secrets_are_not_printed() {
    let key = MasterKey::generate(ID, &environment()).unwrap();
    let printed = format!("{:?} {:?} {:?}", key.identity_key(), password("hush"), key);
    assert!(!printed.contains("hush") && !printed.contains("1, 2, 3"), "{printed}");
}
