//! The manual page `zarc(1)` in roff, made from the table of commands and nothing else.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::base::{Error, Result};

use super::help::{Block, WIDTH, blocks_of, one_dash};

/// The root's paragraph that has a section of its own.
const EXIT_STATUS: &str = "Exit code: ";

/// The page of `table`, which is built.
pub(super) fn manual_page(table: &Command) -> Result<String> {
    // The day on which a page was made is the same for the same program: it has none.
    let man = Man::new(table.clone()).title("ZARC").date("\"\"").manual("User Commands");
    let mut page = rendered(|out| man.render_title(out))?;
    page.push_str(&part_of(|out| man.render_name_section(out))?);
    page.push_str(&part_of(|out| man.render_synopsis_section(out))?);
    page.push_str(&part_of(|out| description(table).to_writer(out))?);
    page.push_str(&part_of(|out| Roff::new().control("SH", ["COMMANDS"]).to_writer(out))?);
    for command in table.get_subcommands() {
        page.push_str(&of_command(command)?);
    }
    page.push_str(&part_of(|out| man.render_options_section(out))?);
    page.push_str(&part_of(|out| examples_and_exit_status(table).to_writer(out))?);
    // Dashes of options are escaped.
    Ok(in_short_lines(&page.replace(r"\-\-", r"\-")))
}

/// What it is, and how it is spoken to.
fn description(table: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    roff.text(sentences(&about(table)));
    for command in table.get_subcommands() {
        roff.control("TP", []).text([bold(command.get_name())]).text(sentences(&about(command)));
    }
    for block in blocks_of(&after_help(table)) {
        if let Block::Paragraph(text) = block
            && !text.starts_with(EXIT_STATUS)
        {
            roff.control("PP", []).text(sentences(text));
        }
    }
    roff
}

fn examples_and_exit_status(table: &Command) -> Roff {
    let mut roff = Roff::new();
    for block in blocks_of(&after_help(table)) {
        match block {
            Block::Lines(title, lines) => {
                roff.control("SH", [title.to_uppercase().as_str()]);
                put_lines(&mut roff, &lines);
            }
            Block::Paragraph(text) => {
                if let Some(codes) = text.strip_prefix(EXIT_STATUS) {
                    roff.control("SH", ["EXIT STATUS"]).text(sentences(codes));
                }
            }
        }
    }
    roff
}

/// A command with its options, its words and its examples.
fn of_command(command: &Command) -> Result<String> {
    let usage = command.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    let mut head = Roff::new();
    head.control("SS", [usage.as_str()]).text(sentences(&about(command)));
    let man = Man::new(command.clone());
    let options = part_of(|out| man.render_options_section(out))?;
    // The heading is the command's.
    let (_, options) = options.split_once('\n').unwrap_or_default();
    let mut words = Roff::new();
    for block in blocks_of(&after_help(command)) {
        words.control("PP", []);
        match block {
            Block::Paragraph(text) => {
                words.text(sentences(text));
            }
            Block::Lines(title, lines) => {
                words.text([roman(format!("{title}:"))]);
                put_lines(&mut words, &lines);
            }
        }
    }
    let (head, words) = (part_of(|out| head.to_writer(out))?, part_of(|out| words.to_writer(out))?);
    Ok([&head, options, &words].concat())
}

/// Lines that are not filled.
fn put_lines(roff: &mut Roff, lines: &[&str]) {
    roff.control("RS", ["4"]).control("nf", []);
    for line in lines {
        roff.text([roman(*line)]);
    }
    roff.control("fi", []).control("RE", []);
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn after_help(command: &Command) -> String {
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

fn sentences(text: &str) -> Vec<Inline> {
    vec![roman(one_dash(text))]
}

/// What each part of a page begins with, so that apostrophes stay as typed: once is enough.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn part_of(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<String> {
    rendered(render).map(|part| part.replacen(PREAMBLE, "", 1))
}

fn rendered(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<String> {
    let mut bytes = Vec::new();
    render(&mut bytes).map_err(|cause| Error::io("cannot make the manual page", cause))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Breaks long lines where they are filled anyway, as the custom of such pages is.
fn in_short_lines(page: &str) -> String {
    let mut short = String::with_capacity(page.len() + page.len() / 50);
    let mut is_filled = true;
    for line in page.lines() {
        match line {
            ".nf" => is_filled = false,
            ".fi" => is_filled = true,
            _ => {}
        }
        let is_text = is_filled && !line.starts_with('.');
        let mut columns = 0;
        for (number, word) in line.split(' ').enumerate() {
            // A line that begins with one of these would be no text.
            let may_break = is_text && !word.starts_with(['.', '\'']) && !word.is_empty();
            if number == 0 {
                columns = 0;
            } else if may_break && columns + 1 + word.len() > WIDTH {
                short.push('\n');
                columns = 0;
            } else {
                short.push(' ');
                columns += 1;
            }
            short.push_str(word);
            columns += word.len();
        }
        short.push('\n');
    }
    short
}
