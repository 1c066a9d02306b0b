#![doc = "docker-broker"]

pub mod policy;
