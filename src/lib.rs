#![doc = "docker-broker"]

pub mod upstream;
