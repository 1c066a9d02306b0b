#![doc = "docker-broker"]
