//! The library in a real process: `cp`, `dd` and `sh` of the machine, with files in a folder of their own.
