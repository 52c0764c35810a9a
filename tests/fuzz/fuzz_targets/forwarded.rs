#![no_main]

#[path = "../targets/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each target runs one of the functions")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::forwarded(data));
