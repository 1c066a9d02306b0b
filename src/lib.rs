#![doc = "docker-broker"]

pub mod request;
