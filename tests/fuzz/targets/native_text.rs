#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| astropass_tests::fuzz::native_text(data));
