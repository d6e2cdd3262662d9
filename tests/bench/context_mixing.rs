//! Packs the files that are named, each as one block, with both strengths: `cargo bench --bench
//! context_mixing -- FILE...` prints bytes and seconds. Without files it does nothing.

use std::time::Instant;

use zarc::compress::context_mixing::{Strength, decode, encode};

fn main() -> std::io::Result<()> {
    for file in std::env::args().skip(1).filter(|word| !word.starts_with("--")) {
        let input = std::fs::read(&file)?;
        for strength in [Strength::Fast, Strength::Strong] {
            let (mut packed, mut raw) = (Vec::new(), Vec::new());
            let start = Instant::now();
            encode(strength, &input, &mut packed);
            let encoding = start.elapsed().as_secs_f64();
            let start = Instant::now();
            decode(&packed, input.len(), &mut raw).map_err(std::io::Error::other)?;
            let decoding = start.elapsed().as_secs_f64();
            assert!(raw == input, "{file} does not come back");
            let sizes = format!("{} -> {}", input.len(), packed.len());
            println!("{file} {strength:?}: {sizes}, {encoding:.2} s, back {decoding:.2} s");
        }
    }
    Ok(())
}
