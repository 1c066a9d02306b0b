#![doc = "docker-broker"]

pub mod operation;
