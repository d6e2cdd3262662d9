#!/usr/bin/env python3
"""Second reader of the .zarc format, draft 0.8, written from spec/format.md alone.

It is there to prove that the text suffices, so it prefers plain over fast: the sections below carry
the numbers and the words of the text. It reads archives of one file and in parts, and part 0 alone as far
as it goes; those without data it lists and verifies. What the text marks as "not yet written" is named and
refused.

    reader.py list ARCHIVE [--until N] [--all]       (each with --password WORDS for an encrypted archive)
    reader.py extract ARCHIVE TARGET [--until N]
    reader.py verify ARCHIVE
    reader.py vectors DIRECTORY

Exit codes: 0 all right, 1 done with problems, 2 damaged or refused.
Needs the packages blake3, brotli and zstandard, and cryptography for encrypted archives.
"""

import argparse
import bisect
import collections
import functools
import hashlib
import hmac
import itertools
import lzma
import os
import pathlib
import re
import stat
import struct
import sys
from typing import NamedTuple

import brotli
import pyppmd
import zstandard
from blake3 import blake3 as new_blake3

import context_mixing


class Refused(Exception):
    """The bytes are damaged, or not what this reader may read."""


def require(condition, message):
    if not condition:
        raise Refused(message)


# --- 2. Encodings -------------------------------------------------------------------------------


def blake3(*pieces):
    hasher = new_blake3()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def aligned(offset, step):
    return -(-offset // step) * step


class Cursor:
    """Takes encoded values from bytes, one after another."""

    def __init__(self, data, what):
        self.data, self.what, self.at = memoryview(data), what, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, length):
        require(length <= self.left(), f"{self.what}: ends too early")
        self.at += length
        return bytes(self.data[self.at - length : self.at])

    def fixed(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                require(byte or not shift, f"{self.what}: varint is not in its shortest form")
                require(value < 1 << 64, f"{self.what}: varint has more than 64 bits")
                return value
        raise Refused(f"{self.what}: varint has more than 64 bits")

    def svarint(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def bytes(self, limit):
        length = self.varint()
        require(length <= limit, f"{self.what}: {length} bytes where at most {limit} may be")
        return self.take(length)

    def instant(self):
        seconds, nanoseconds = self.svarint(), self.varint()
        require(nanoseconds <= 999_999_999, f"{self.what}: {nanoseconds} nanoseconds in an instant")
        return seconds, nanoseconds

    def place(self):
        part, offset = self.varint(), self.varint()
        require(part <= PARTS_MAX, f"{self.what}: part {part}")
        return part, offset

    def count(self, least, bytes_each):
        """A number of things that follow, checked against the bytes that are left for them."""
        count = self.varint()
        require(count >= least, f"{self.what}: count {count} is below {least}")
        require(count * bytes_each <= self.left(), f"{self.what}: count {count} cannot fit")
        return count

    def rest(self):
        return self.take(self.left())

    def zero(self, length):
        require(not any(self.take(length)), f"{self.what}: reserved bytes are not zero")

    def padding(self):
        require(not any(self.rest()), f"{self.what}: its padding is not zero")

    def end(self):
        require(not self.left(), f"{self.what}: {self.left()} bytes too many")


# --- 3. Header region ---------------------------------------------------------------------------

MAGIC = bytes.fromhex("5A4152430D0A1A0A")
DRAFT = (0, 8)
PAGE_BYTES = 4096
ENCRYPTED, INDEX_PART, WITHOUT_DATA = 1, 2, 4
BLOCK_BYTES_MAX = 1 << 28
UPDATE_PARTS_MAX, PARTS_MAX, BASE_RANGES_MAX, COUNT_MAX = 1 << 16, 1 << 18, 1 << 16, 1 << 62


class Header(NamedTuple):
    length: int
    archive_id: bytes
    created: int
    block_bytes_max: int
    genesis_tag: bytes
    is_encrypted: bool
    has_data: bool
    link: bytes
    first_update: int
    start_part: int  # where an update starts that goes on here, or 0
    first_index: int
    bytes_before: int
    nonce: bytes


def decode_header(data, number=1):
    cursor = Cursor(data, "header")
    require(cursor.take(8) == MAGIC, "header: this is no .zarc archive")
    major, minor = cursor.fixed("HH")
    require((major, minor) == DRAFT, f"header: made with draft {major}.{minor} of the format, "
            f"this reader reads draft {DRAFT[0]}.{DRAFT[1]}")
    require(len(data) >= 512, "header: ends too early")
    genesis_tag = bytes(data[480:512])
    require(blake3(data[:480]) == genesis_tag, "header: checksum is wrong")
    length, flags, part, archive_id, created = cursor.fixed("III16sq")
    unknown = flags & 0xFFFF & ~(ENCRYPTED | INDEX_PART | WITHOUT_DATA)
    require(not unknown, f"header: unknown flags {unknown:#x}")
    require(bool(flags & INDEX_PART) == (number == 0), "header: an index in the place of a part, or otherwise")
    require(part == number, f"header: this is part {part}, not {number}")
    require(part <= PARTS_MAX, f"header: part {part}")
    is_encrypted = bool(flags & ENCRYPTED)
    require(length == PAGE_BYTES * (1 + is_encrypted), f"header: length of the header region is {length}")
    block_log2, fragment_exponent, cut_rule, identity = cursor.fixed("BBBB")
    require(fragment_exponent <= 15, f"header: fragment exponent {fragment_exponent}")
    require(block_log2 <= 28, f"header: blocks of 2^{block_log2} bytes")
    require(cut_rule == 1, f"header: unknown cut rule {cut_rule}")
    require(identity == 1, f"header: unknown identity {identity}")
    start_part, first_index, link, first_update, bytes_before, nonce = cursor.fixed("IQ32sQQ32s")
    if not start_part:
        require(first_index == 0, "header: a part that goes on with nothing before it")
        bytes_before, nonce = 0, bytes(32)  # ignored
    require(not start_part or (start_part < part < start_part + UPDATE_PARTS_MAX and first_index), "header: a part that goes on with nothing before it")
    require(part != 1 or not any(link), "header: part 1 has a link")
    require(part > 1 or first_update == 1, f"header: part {part} starts with update {first_update}")
    has_data = not flags & WITHOUT_DATA
    return Header(length, archive_id, created, 1 << block_log2, genesis_tag, is_encrypted, has_data, link,
                  first_update, start_part, first_index, bytes_before, nonce)


# --- 4. Frames ----------------------------------------------------------------------------------

SYNC = bytes.fromhex("9E5AC352415A0FE1")
FRAME_HEADER_BYTES, TAG_BYTES = 64, 32
FRAME_ENCRYPTED, FRAME_LAST = 1, 2
META_BYTES_MAX = 1 << 26
DATA_PAYLOAD_BYTES_MAX = (1 << 28) + (1 << 24)
UPDATE, DATA, FRAGMENTS, ENTRIES, DIRECTORY, MANIFEST, COMMIT = range(1, 8)
ORIGIN, INTENT, ANCHOR = OF_INDEX = range(10, 13)
IDENTITIES = 13
FRAME_TYPES = {  # type: name, limit of the payload
    UPDATE: ("UPDATE", 4096),
    DATA: ("DATA", DATA_PAYLOAD_BYTES_MAX),
    FRAGMENTS: ("FRAGMENTS", META_BYTES_MAX),
    ENTRIES: ("ENTRIES", META_BYTES_MAX),
    DIRECTORY: ("DIRECTORY", META_BYTES_MAX),
    MANIFEST: ("MANIFEST", META_BYTES_MAX),
    COMMIT: ("COMMIT", 416),
    ORIGIN: ("ORIGIN", 1 << 24),
    INTENT: ("INTENT", 416),
    ANCHOR: ("ANCHOR", 416),
    IDENTITIES: ("IDENTITIES", META_BYTES_MAX),
}
FRAME_TYPES_NOT_YET_WRITTEN = {8: "PARITY", 9: "BADBLOCK"}
ORDER_IN_UPDATE = {UPDATE: 0, DATA: 1, FRAGMENTS: 1, IDENTITIES: 1, ENTRIES: 1, DIRECTORY: 1, MANIFEST: 2}


class FrameHeader(NamedTuple):
    type: int
    flags: int
    part: int
    update: int
    index: int
    length: int  # of the payload
    offset: int
    nonce: bytes  # its first 8 bytes

    def end(self):
        return self.offset + FRAME_HEADER_BYTES + self.length + TAG_BYTES

    def next(self):
        """Where the next frame starts: a commit follows the frame with the flag LAST."""
        if self.type == COMMIT:
            return self.offset + PAGE_BYTES
        return aligned(self.end(), PAGE_BYTES if self.flags & FRAME_LAST else 8)


class Frame(NamedTuple):
    header: FrameHeader
    payload: bytes
    tag: bytes


def decode_frame_header(data):
    cursor = Cursor(data, "frame header")
    require(cursor.take(8) == SYNC, "frame header: no sync")
    type_, flags, length_of_header, part, update = cursor.fixed("BBHIQ")
    index, length, offset, nonce, checksum = cursor.fixed("QQQ8s8s")
    cursor.end()
    require(blake3(data[:56])[:8] == checksum, "frame header: checksum is wrong")
    require(length_of_header == FRAME_HEADER_BYTES, f"frame header: length {length_of_header}")
    return FrameHeader(type_, flags, part, update, index, length, offset, nonce)


def check_frame_header(header):
    """What is right in itself may still be nothing that this reader may follow."""
    type_ = header.type
    require(type_ not in FRAME_TYPES_NOT_YET_WRITTEN,
            f"frame of type {type_} ({FRAME_TYPES_NOT_YET_WRITTEN.get(type_)}): not yet written")
    require(type_ in FRAME_TYPES, f"frame of unknown type {type_}")
    name, limit = FRAME_TYPES[type_]
    require(header.length <= limit, f"{name} frame: payload of {header.length} bytes is above the limit {limit}")
    require(not header.flags & ~(FRAME_LAST | FRAME_ENCRYPTED), f"{name} frame: unknown flags {header.flags:#x}")
    require((type_ in OF_INDEX) == (header.part == 0), f"{name} frame: stands in part {header.part}")
    require(header.offset % (PAGE_BYTES if type_ in (COMMIT, INTENT, ANCHOR) else 8) == 0,
            f"{name} frame: offset {header.offset} is not aligned")


PART_BITS = 48


def position(part, offset):
    """Place as one number: that of the part above PART_BITS, counted from 0, and the offset in the part."""
    require(offset < 1 << PART_BITS, f"offset {offset} is behind the end of every file")
    return (max(part, 1) - 1 << PART_BITS) + offset


def part_of(offset):
    return (offset >> PART_BITS) + 1


def part_name(pattern, number):
    number = str(number)
    digits = iter(number.rjust(pattern.count("?"), "0"))
    return "".join(next(digits, "") if c == "?" else number if c == "*" else c for c in pattern)


def part_names(path):
    """The files of an archive: one, or all parts from 1 on whose names are of a pattern with ? or *."""
    places = path.count("?")
    if not places and "*" not in path:
        return [path]
    names = []
    while os.path.exists(name := part_name(path, len(names) + 1)):
        names.append(name)
    require(names, f"{name}: there is no such part")
    later = [number for number in numbers_of_parts(path) if number > len(names)]
    require(not later, f"{name}: is missing, but part {max(later, default=0)} is there")
    return names


def numbers_of_parts(path):
    """The numbers of the files whose names are of a pattern."""
    directory, pattern = os.path.split(path)
    digits = "".join("([0-9])" if c == "?" else "([0-9]+)" if c == "*" else re.escape(c) for c in pattern)
    matches = (re.fullmatch(digits, name) for name in os.listdir(directory or "."))
    return [int("".join(match.groups())) for match in matches if match]


class File:
    """The bytes of all parts, and their frames by position."""

    def __init__(self, path):
        self.files = [open(name, "rb") for name in part_names(path)]
        self.sizes = [os.fstat(file.fileno()).st_size for file in self.files]
        if len(self.files) > 1 and self.sizes[-1] < PAGE_BYTES:
            self.files.pop()  # its making was interrupted
            self.sizes.pop()
        self.size = position(len(self.sizes), self.sizes[-1])
        self.keys = None  # of an encrypted archive

    def read(self, offset, length):
        index, start = part_of(offset) - 1, offset % (1 << PART_BITS)
        require(index < len(self.files), f"part {index + 1}: there is no such part")
        require(start + length <= self.sizes[index], f"offset {offset}: the file ends too early")
        self.files[index].seek(start)
        return self.files[index].read(length)

    def end_of_part(self, offset):
        part = part_of(offset)
        return position(part, self.sizes[part - 1])

    def frame_header(self, offset):
        header = decode_frame_header(self.read(offset, FRAME_HEADER_BYTES))
        require(position(header.part, header.offset) == offset and header.part,
                f"the frame at offset {offset} was written to part {header.part}, offset {header.offset}")
        return header._replace(offset=offset)

    def frame(self, offset):
        try:
            header = self.frame_header(offset)
            check_frame_header(header)
            frame = decode_frame(self.read(offset, header.end() - offset), self.keys)
            return frame._replace(header=header)
        except Refused as refused:
            raise Refused(f"offset {offset}: {refused}") from None


def decode_frame(data, keys=None):
    header = decode_frame_header(data[:FRAME_HEADER_BYTES])
    check_frame_header(header)
    require(len(data) == header.end() - header.offset, "frame: is not as long as its header says")
    checked, tag, name = memoryview(data)[:-TAG_BYTES], data[-TAG_BYTES:], FRAME_TYPES[header.type][0]
    payload = data[FRAME_HEADER_BYTES:-TAG_BYTES]
    if keys:
        encryption, authentication = keys.of_frame(header, payload)
        require(hmac.compare_digest(keyed(authentication, checked), tag), f"{name} frame: is not authentic")
        must_be_encrypted = header.type not in (UPDATE, COMMIT, *OF_INDEX)
        if must_be_encrypted:
            payload = aes_ctr(encryption, header.index, payload)
    else:
        require(blake3(checked) == tag, f"{name} frame: tag is wrong")
        must_be_encrypted = False
    require(bool(header.flags & FRAME_ENCRYPTED) == must_be_encrypted, f"{name} frame: flag ENCRYPTED is wrong")
    return Frame(header, payload, tag)


def unpack_packed(payload):
    cursor = Cursor(payload, "packed payload")
    codec, raw_length, packed_length = cursor.fixed("BII")
    require(raw_length <= META_BYTES_MAX, f"packed payload: raw length {raw_length} is above the limit")
    packed = cursor.take(packed_length)
    cursor.padding()
    return unpack(codec, packed, raw_length)


# --- 5. UPDATE ----------------------------------------------------------------------------------


class Update(NamedTuple):
    nonce: bytes
    previous_tag: bytes
    date: int
    rolled_back_tag: bytes
    writer: bytes


def decode_update(payload):
    cursor = Cursor(payload, "UPDATE")
    update = Update(*cursor.fixed("32s32sq32s"), cursor.bytes(255))
    cursor.end()
    return update


# --- 6. DATA ------------------------------------------------------------------------------------

BLOCK_FRAGMENTS_MAX = 1 << 20
BLOCK_BASES_MAX = 16
BLOCK_PREFIX_BYTES_MAX = 1 << 26
BLOCK_DEPTH_MAX = 2
E8E9 = 1


class Block(NamedTuple):
    number: int
    bases: list  # numbers of blocks
    lengths: list  # of its fragments
    raw: bytes

    def fragments(self):
        ends = itertools.accumulate(self.lengths)
        return [memoryview(self.raw)[end - length : end] for end, length in zip(ends, self.lengths)]


class Base(NamedTuple):
    block: int
    ranges: list  # of offset and length

    def cut(self, fragments):
        """The bytes of the ranges."""
        raw = b"".join(fragments)
        require(self.ranges[-1][0] + self.ranges[-1][1] <= len(raw), f"a range beyond block {self.block}")
        return b"".join(raw[start : start + length] for start, length in self.ranges)


def decode_data(payload, block_bytes_max=BLOCK_BYTES_MAX, read_base=None):
    """`read_base` gives the fragments of a base block."""
    cursor = Cursor(payload, "DATA")
    codec, filter_, bases = cursor.fixed("BBB")
    cursor.zero(1)
    raw_length, number, fragments, packed_length = cursor.fixed("IQII")
    require(filter_ in (0, E8E9), f"DATA: unknown filter {filter_}")
    require(bases <= BLOCK_BASES_MAX, f"DATA: {bases} base blocks")
    require(raw_length <= block_bytes_max, f"DATA: raw length {raw_length} is above the limit {block_bytes_max}")
    require(1 <= fragments <= BLOCK_FRAGMENTS_MAX, f"DATA: {fragments} fragments")
    bases = decode_bases(cursor, bases, number)
    lengths = decode_fragment_lengths(cursor, fragments)
    require(sum(lengths) == raw_length, "DATA: the fragment lengths do not add up to the raw length")
    packed = cursor.take(packed_length)
    cursor.padding()
    require(read_base or not bases, "DATA: base blocks without the archive that they are in")
    raw = unpack(codec, packed, raw_length, b"".join(base.cut(read_base(base.block)) for base in bases))
    return Block(number, [base.block for base in bases], lengths, undo_e8e9(raw) if filter_ == E8E9 else raw)


def decode_bases(cursor, count, number):
    bases = []
    for _ in range(count):
        block, ranges, end = cursor.varint(), [], 0
        require(block < number, f"DATA: base block {block} of block {number}")
        count_of_ranges = cursor.count(1, 2)
        require(count_of_ranges <= BASE_RANGES_MAX, f"DATA: {count_of_ranges} ranges of a base block")
        for _ in range(count_of_ranges):
            start = end + cursor.varint()
            length = cursor.varint()
            end = start + length
            require(length and end <= BLOCK_BYTES_MAX, "DATA: a range of a base block is empty or outside of it")
            ranges.append((start, length))
        bases.append(Base(block, ranges))
    check_rising([base.block for base in bases], "DATA: base blocks")
    require(sum(length for base in bases for _, length in base.ranges) <= BLOCK_PREFIX_BYTES_MAX,
            "DATA: more bytes of base blocks than there may be")
    return bases


def decode_fragment_lengths(cursor, fragments):
    lengths = [cursor.varint() for _ in range(fragments)]
    require(all(lengths), f"{cursor.what}: a fragment of no bytes")
    require(sum(lengths) <= BLOCK_BYTES_MAX, f"{cursor.what}: a block of {sum(lengths)} bytes")
    return lengths


# --- 6.1 Codecs and filters ---------------------------------------------------------------------

ZSTD_MAGIC = bytes.fromhex("28B52FFD")
ZSTD_WINDOW_MAX = 1 << 28


def unpack(codec, packed, raw_length, prefix=b""):
    require(codec in range(6), f"unknown codec {codec}")
    require(codec == 1 or not prefix, f"codec {codec} does not know of base blocks")
    raw = packed
    if codec == 1:
        raw = unpack_zstd(packed, raw_length, prefix)
    elif codec == 2:
        raw = unpack_brotli(packed)
    elif codec == 3:
        raw = unpack_lzma(packed, raw_length)
    elif codec == 4:
        raw = unpack_ppmd(packed, raw_length)
    elif codec == 5:
        raw = unpack_context_mixing(packed, raw_length)
    require(len(raw) == raw_length, f"{len(raw)} bytes were packed, not {raw_length}")
    return raw


def unpack_zstd(packed, raw_length, prefix):
    require(packed[:4] == ZSTD_MAGIC, "zstd: no zstd frame")
    try:
        frame = zstandard.get_frame_parameters(packed)
        require(frame.window_size <= ZSTD_WINDOW_MAX, f"zstd: window of {frame.window_size} bytes")
        require(frame.dict_id == 0, "zstd: needs a dictionary")
        require(frame.content_size == raw_length, "zstd: content size is not the raw length")
        dictionary = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if prefix else None
        decompressor = zstandard.ZstdDecompressor(dictionary, max_window_size=ZSTD_WINDOW_MAX)
        # A limit of 0 would mean "none" to this library.
        return decompressor.decompress(packed, max_output_size=max(raw_length, 1), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Refused(f"zstd: {error}") from None


def unpack_brotli(packed):
    try:
        return brotli.decompress(packed)  # refuses large windows, and bytes behind the stream
    except brotli.error as error:
        raise Refused(f"brotli: {error}") from None


def unpack_lzma(packed, raw_length):
    require(packed, "lzma: no properties")
    pb, rest = divmod(packed[0], 45)
    lp, lc = divmod(rest, 9)
    require(pb <= 4 and lc + lp <= 4, f"lzma: properties {packed[0]}")
    kind = {"id": lzma.FILTER_LZMA1, "dict_size": max(4096, raw_length), "lc": lc, "lp": lp, "pb": pb}
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[kind])
    try:
        raw = decompressor.decompress(packed[1:], max_length=raw_length + 1)
    except lzma.LZMAError as error:
        raise Refused(f"lzma: {error}") from None
    require(decompressor.eof, "lzma: no end marker where it should be")
    require(not decompressor.unused_data, "lzma: bytes behind the stream")
    return raw


def unpack_ppmd(packed, raw_length):
    require(packed and 2 <= packed[0] <= 32, "ppmd: no order")
    model = packed[0], min(max(12 * raw_length, 1 << 20), 192 << 20)
    raw = pyppmd.Ppmd7Decoder(*model).decode(packed[1:], raw_length)
    require(len(raw) == raw_length, f"ppmd: {len(raw)} bytes")
    # The stream of some bytes is the only one: so its end is checked, too.
    encoder = pyppmd.Ppmd7Encoder(*model)
    require(encoder.encode(raw) + encoder.flush(endmark=True) == packed[1:], "ppmd: not the stream of its bytes")
    return raw


def unpack_context_mixing(packed, raw_length):
    try:
        return context_mixing.decode(packed, raw_length)
    except ValueError as error:
        raise Refused(f"context mixing: {error}") from None


def undo_e8e9(packed):
    raw = bytearray(packed)
    for i in range(len(raw) - 5, -1, -1):
        if raw[i] in (0xE8, 0xE9) and raw[i + 4] in (0x00, 0xFF):
            target = int.from_bytes(raw[i + 1 : i + 4], "little")
            raw[i + 1 : i + 4] = ((target - i) % (1 << 24)).to_bytes(3, "little")
    return bytes(raw)


# --- 7. Runs ------------------------------------------------------------------------------------

ENTRY_RUN, FRAGMENT_RUN, IDENTITY_RUN = 1, 2, 3


def archive_order(path):
    """Sort key: bytes with `/` counted as 0, which no path contains."""
    return path.replace(b"/", b"\0")


def check_rising(keys, what):
    for before, key in itertools.pairwise(keys):
        require(before < key, f"{what}: not in rising order")


# --- 7.1 Fragment page --------------------------------------------------------------------------


class FragmentRecord(NamedTuple):
    block: int
    place: tuple
    payload_length: int
    bases: list  # numbers of blocks
    lengths: list
    identities: list

    def key(self):
        return self.block


def decode_fragment_page(raw):
    cursor = Cursor(raw, "fragment page")
    first = cursor.varint()
    require(first <= COUNT_MAX, f"fragment page: block {first}")
    records = []
    for block in range(first, first + cursor.count(1, 37)):
        place, payload_length = cursor.place(), cursor.varint()
        require(payload_length <= DATA_PAYLOAD_BYTES_MAX, f"fragment page: payload of {payload_length} bytes")
        bases = [cursor.varint() for _ in range(cursor.count(0, 1))]
        require(len(bases) <= BLOCK_BASES_MAX and bases == sorted(set(bases)) and all(base < block for base in bases),
                f"fragment page: base blocks {bases} of block {block}")
        fragments = cursor.count(1, 33)
        require(fragments <= BLOCK_FRAGMENTS_MAX, f"fragment page: {fragments} fragments in a block")
        lengths = decode_fragment_lengths(cursor, fragments)
        identities = [cursor.take(32) for _ in range(fragments)]
        records.append(FragmentRecord(block, place, payload_length, bases, lengths, identities))
    cursor.end()
    return records


# --- 7.2 Entry page -----------------------------------------------------------------------------

PATH_BYTES_MAX, COMPONENT_BYTES_MAX, FIELD_BYTES_MAX = 32768, 1023, 1 << 24
DELETED, REGULAR, DIRECTORY_KIND, SYMLINK, PIPE, CHARACTER, BLOCK_DEVICE, SOCKET = range(8)
KIND_LETTERS = "x-dlpcbs"
(MTIME, CTIME, MODE, OWNER, OWNER_NAME, GROUP_NAME, INODE, DEVICE, UNSETTLED, LINK_TARGET, DEVICE_NODE,
 XATTRS, CONTENT, WHOLE_HASH, WINDOWS, TOUCHED) = range(1, 17)


class Entry(NamedTuple):
    path: bytes
    kind: int
    fields: dict  # tag: value as bytes

    def key(self):
        return archive_order(self.path)

    def value(self, tag, default=None):
        return decode_field(tag, self.fields[tag]) if tag in self.fields else default

    def size(self):
        return sum(piece.length for piece in self.value(CONTENT, []))

    def unknown(self):
        """Names why this entry must not be extracted, if so."""
        if self.kind > SOCKET:
            return f"unknown kind {self.kind}"
        for tag in self.fields:
            if tag >= 128:
                return f"unknown critical tag {tag}"
            if tag == WHOLE_HASH:
                return f"tag {tag} is not yet written"
        return None


def decode_entry_page(raw):
    cursor = Cursor(raw, "entry page")
    entries, path = [], b""
    for _ in range(cursor.count(1, 4)):
        shared = cursor.varint()
        require(shared <= len(path), f"entry page: {shared} bytes shared with a path of {len(path)}")
        path = path[:shared] + cursor.bytes(PATH_BYTES_MAX)
        check_path(path)
        entry = Entry(path, cursor.u8(), decode_fields(cursor))
        check_entry(entry)
        entries.append(entry)
    cursor.end()
    check_rising([entry.key() for entry in entries], "entry page")
    return entries


def check_path(path):
    require(1 <= len(path) <= PATH_BYTES_MAX, f"path of {len(path)} bytes")
    require(b"\0" not in path, "path with a NUL")
    if path == b"/":
        return
    for component in path.removeprefix(b"/").split(b"/"):
        require(1 <= len(component) <= COMPONENT_BYTES_MAX,
                f"path {shown(path)}: component of {len(component)} bytes")


def decode_fields(cursor):
    fields, before = {}, 0
    while tag := cursor.varint():
        require(tag > before, f"{cursor.what}: field tags do not rise")
        fields[tag] = cursor.bytes(META_BYTES_MAX if tag == CONTENT else FIELD_BYTES_MAX)
        before = tag
    return fields


def check_entry(entry):
    what = shown(entry.path)
    require(entry.kind != DELETED or not entry.fields, f"{what}: deleted, but has fields")
    require(CONTENT not in entry.fields or entry.kind == REGULAR or entry.unknown(),
            f"{what}: content, but no file")
    require(DEVICE not in entry.fields or entry.kind != DIRECTORY_KIND, f"{what}: a directory with several names")
    for tag in entry.fields:
        entry.value(tag)


def decode_field(tag, value):
    cursor = Cursor(value, f"field {tag}")
    decoded = FIELD_DECODERS.get(tag, Cursor.rest)(cursor)
    cursor.end()
    return decoded


def decode_mode(cursor):
    mode = cursor.varint()
    require(mode <= 0o7777, f"mode {mode:o}")
    return mode


def decode_windows_attributes(cursor):
    bits = cursor.varint()
    require(bits < 1 << 32, f"Windows attributes {bits:x}")
    return bits


def decode_pair(cursor):
    return cursor.varint(), cursor.varint()


def decode_link_target(cursor):
    target = cursor.rest()
    require(target and b"\0" not in target, "symbolic link without a proper target")
    return target


def decode_xattrs(cursor):
    attributes = []
    while cursor.left():
        attributes.append((cursor.bytes(FIELD_BYTES_MAX), cursor.bytes(FIELD_BYTES_MAX)))
    check_rising([name for name, _ in attributes], "extended attributes")
    return attributes


# --- 7.2.1 Content ------------------------------------------------------------------------------


class Piece(NamedTuple):
    count: int  # of fragments; 0 is a hole
    block: int
    index: int
    length: int


def decode_content(cursor):
    pieces, block = [], 0
    require(cursor.left(), "content: no pieces")
    while cursor.left():
        count = cursor.varint()
        index = 0
        if count:
            block += cursor.svarint()
            require(0 <= block <= COUNT_MAX, f"content: block {block}")
            index = cursor.varint()
        length = cursor.varint()
        require(length, "content: a piece of no bytes")
        pieces.append(Piece(count, block, index, length))
    require(sum(piece.length for piece in pieces) < 1 << 63, "content: longer than any file")
    return pieces


FIELD_DECODERS = {
    MTIME: Cursor.instant, CTIME: Cursor.instant, MODE: decode_mode, OWNER: decode_pair,
    OWNER_NAME: Cursor.rest, GROUP_NAME: Cursor.rest, INODE: Cursor.varint, DEVICE: Cursor.varint,
    UNSETTLED: lambda cursor: True, LINK_TARGET: decode_link_target, DEVICE_NODE: decode_pair,
    XATTRS: decode_xattrs, CONTENT: decode_content, WINDOWS: decode_windows_attributes,
    TOUCHED: lambda cursor: True,
}


# --- 7.3 Directory ------------------------------------------------------------------------------


class PageReference(NamedTuple):
    first_key: object
    place: tuple
    payload_length: int
    records: int


class Directory(NamedTuple):
    kind: int
    level: int
    records: int
    children: list


DIRECTORY_LEVELS_MAX, DIRECTORY_BYTES_MAX = 16, 1 << 20


def decode_directory(raw):
    require(len(raw) <= DIRECTORY_BYTES_MAX, f"directory: {len(raw)} bytes")
    cursor = Cursor(raw, "directory")
    kind, level = cursor.fixed("BB")
    require(kind in (ENTRY_RUN, FRAGMENT_RUN, IDENTITY_RUN), f"directory: unknown run kind {kind}")
    require(1 <= level <= DIRECTORY_LEVELS_MAX, f"directory: level {level}")
    records, children = cursor.varint(), []
    for _ in range(cursor.count(0, 5)):
        if kind == ENTRY_RUN:
            path = cursor.bytes(PATH_BYTES_MAX)
            check_path(path)
            first_key = archive_order(path)
        else:
            first_key = cursor.varint()
            require(kind == FRAGMENT_RUN or first_key < 1 << 8 * PREFIX_BYTES, f"directory: first key {first_key}")
        children.append(PageReference(first_key, cursor.place(), cursor.varint(), cursor.varint()))
    cursor.end()
    require(children, "directory: it is empty")
    check_rising([child.first_key for child in children], "directory")
    if kind == FRAGMENT_RUN:
        for child, following in zip(children, children[1:]):
            require(child.first_key + child.records == following.first_key, "directory: blocks are left out")
    require(all(child.records for child in children), "directory: a page without records")
    require(sum(child.records for child in children) == records, "directory: the records of pages do not add up")
    return Directory(kind, level, records, children)


# --- 7.4 Identity page ---------------------------------------------------------------------------

PREFIX_BYTES = 5


class IdentityRecord(NamedTuple):
    prefix: int  # the first bytes of an identity, as a big-endian number
    block: int

    def key(self):
        return self.prefix


def prefix_of(identity):
    return int.from_bytes(identity[:PREFIX_BYTES], "big")


def decode_identity_page(raw):
    cursor = Cursor(raw, "identity page")
    count = cursor.varint()
    first, prefix_width, least, block_width = cursor.varint(), cursor.u8(), cursor.varint(), cursor.u8()
    require(prefix_width <= PREFIX_BYTES and block_width <= 8, "identity page: differences are too wide")
    require(count >= 1 and (count == 1 or prefix_width + block_width), f"identity page: {count} records")
    require(count * (prefix_width + block_width) == cursor.left(), "identity page: of another length")
    records = []
    for _ in range(count):
        differences = [int.from_bytes(cursor.take(width), "little") for width in (prefix_width, block_width)]
        records.append(IdentityRecord(first + differences[0], least + differences[1]))
    require(records == sorted(records), "identity page: not in rising order")
    require(count <= 1 << 16, f"identity page: {count} records")
    require((records[0].prefix, min(record.block for record in records)) == (first, least),
            "identity page: its least record is another one")
    require(records[-1].prefix < 1 << 8 * PREFIX_BYTES and all(record.block <= COUNT_MAX for record in records),
            "identity page: an impossible record")
    return records


# --- 8. MANIFEST --------------------------------------------------------------------------------

COMMENT_BYTES_MAX, RUNS_MAX = 65536, 1024


class RunReference(NamedTuple):
    kind: int
    place: tuple
    payload_length: int
    oldest: int
    newest: int
    records: int
    first_block: int


class IdentityRun(NamedTuple):
    place: tuple
    payload_length: int
    records: int
    blocks: int


class Manifest(NamedTuple):
    update: int
    date: int
    added: int
    updated: int
    deleted: int
    touched: int
    content_changed: int
    content_new: int
    data_payload: int
    names: int
    content: int
    blocks: int
    fragments: int
    comment: bytes
    delta_entries: object
    delta_fragments: object
    entry_runs: list
    fragment_runs: list
    identity_runs: list


IDENTITY_RUNS = 1  # field of a manifest


def decode_manifest(raw):
    cursor = Cursor(raw, "manifest")
    update, date = cursor.varint(), cursor.svarint()
    counts = [cursor.varint() for _ in range(11)]
    require(all(counts[at] <= COUNT_MAX for at in (7, 9, 10)), f"manifest: impossible counts {counts}")
    comment = cursor.bytes(COMMENT_BYTES_MAX)
    deltas = [decode_run_reference(cursor, kind, optional=True) for kind in (ENTRY_RUN, FRAGMENT_RUN)]
    live = [decode_live_runs(cursor, kind) for kind in (ENTRY_RUN, FRAGMENT_RUN)]
    fields = decode_fields(cursor)
    critical = [tag for tag in fields if tag >= 128]
    require(not critical, f"manifest: unknown critical tags {critical}")
    cursor.end()
    identities = decode_identity_runs(fields[IDENTITY_RUNS]) if IDENTITY_RUNS in fields else []
    manifest = Manifest(update, date, *counts, comment, *deltas, *live, identities)
    check_runs(manifest)
    return manifest


def decode_run_reference(cursor, kind, optional=False):
    found = cursor.u8()
    if optional and found == 0:
        return None
    require(found == kind, f"manifest: run of kind {found} where kind {kind} belongs")
    place, payload_length = cursor.place(), cursor.varint()
    oldest, newest, records = cursor.varint(), cursor.varint(), cursor.varint()
    first_block = cursor.varint() if kind == FRAGMENT_RUN else 0
    require(1 <= oldest <= newest, f"manifest: run of updates {oldest} to {newest}")
    return RunReference(kind, place, payload_length, oldest, newest, records, first_block)


def decode_identity_runs(value):
    cursor = Cursor(value, "manifest")
    runs = []
    for _ in range(cursor.count(1, 5)):
        runs.append(IdentityRun(cursor.place(), cursor.varint(), cursor.varint(), cursor.varint()))
        require(1 <= runs[-1].blocks <= runs[-1].records, f"manifest: impossible {runs[-1]}")
    cursor.end()
    require(len(runs) <= RUNS_MAX, f"manifest: {len(runs)} runs of identities")
    return runs


def decode_live_runs(cursor, kind):
    count = cursor.count(0, 7)
    require(count <= RUNS_MAX, f"manifest: {count} live runs")
    return [decode_run_reference(cursor, kind) for _ in range(count)]


def check_runs(manifest):
    for run in manifest.delta_entries, manifest.delta_fragments:
        require(run is None or run.oldest == run.newest == manifest.update, "manifest: delta run of another update")
    newer = manifest.update + 1
    for run in manifest.entry_runs:
        require(run.newest < newer, "manifest: live entry runs are not newest first")
        newer = run.oldest
    block = 0
    for run in manifest.fragment_runs:
        require(run.newest <= manifest.update, "manifest: fragment run of a later update")
        require(run.first_block == block, f"manifest: live fragment runs do not cover block {block} once")
        block += run.records
    require(block == manifest.blocks, f"manifest: live fragment runs cover {block} blocks of {manifest.blocks}")
    covered = sum(run.blocks for run in manifest.identity_runs)
    require(covered <= manifest.blocks, f"manifest: identities of {covered} blocks of {manifest.blocks}")


class Version:
    """Everything below one manifest: entries in archive order, fragment records by block."""

    def __init__(self, archive, number):
        require(1 <= number <= len(archive.commits),
                f"there is no version {number}; the newest is {len(archive.commits)}")
        self.archive, self.commit = archive, archive.commits[number - 1]
        self.manifest = self.read_manifest()
        entries = {}
        for run in self.manifest.entry_runs:
            for entry in self.read_run(run):
                entries.setdefault(entry.path, entry)
        self.entries = sorted((entry for entry in entries.values() if entry.kind != DELETED), key=Entry.key)
        self.blocks = [record for run in self.manifest.fragment_runs for record in self.read_run(run)]
        self.block = functools.lru_cache(maxsize=2)(self.read_block)

    def manifest_place(self):
        offset = self.commit.manifest_offset
        return part_of(offset), offset % (1 << PART_BITS)

    def read_manifest(self):
        frame = self.archive.frame(self.manifest_place(), MANIFEST, None, self.commit.offset)
        manifest = decode_manifest(unpack_packed(frame.payload))
        require(manifest.update == self.commit.update,
                f"manifest of update {manifest.update} in update {self.commit.update}")
        require(manifest.date == self.commit.date,
                f"update {manifest.update}: manifest and commit differ in the date")
        return manifest

    def check_identities(self):
        """Runs of identities are the fragment records in another order."""
        block = 0
        for run in self.manifest.identity_runs:
            records = read_directory(self.archive, run, IDENTITY_RUN, None, self.commit.offset)
            expected = [IdentityRecord(prefix_of(identity), record.block)
                        for record in self.blocks[block : block + run.blocks] for identity in record.identities]
            require(records == sorted(expected),
                    f"identities of the blocks from {block} on are not those of the fragment records")
            block += run.blocks

    def delta(self):
        return self.read_run(self.manifest.delta_entries) if self.manifest.delta_entries else []

    def read_run(self, run):
        if run not in self.archive.runs:
            self.archive.runs[run] = read_run(self.archive, run, self.commit.offset)
        return self.archive.runs[run]

    def read_block(self, number, depth_max=BLOCK_DEPTH_MAX):
        record = self.blocks[number]
        frame = self.archive.frame(record.place, DATA, record.payload_length, self.commit.offset)
        block = decode_data(frame.payload, self.archive.header.block_bytes_max,
                            lambda base: self.read_base(base, depth_max))
        require(block.number == number, f"block {block.number} where block {number} belongs")
        require(block.lengths == record.lengths,
                f"block {number}: fragment lengths differ from the fragment record")
        return block.fragments()

    def read_base(self, number, depth_max):
        require(depth_max > 0, f"block {number} is a base block at too great a depth")
        fragments = self.read_block(number, depth_max - 1)
        for fragment, identity in zip(fragments, self.blocks[number].identities):
            require(self.archive.identity(fragment) == identity, f"base block {number} is damaged")
        return fragments

    def fragment(self, number, index):
        fragment = self.block(number)[index]
        require(self.archive.identity(fragment) == self.blocks[number].identities[index],
                f"fragment {index} of block {number} has another identity")
        return fragment

    def check_content(self, entry):
        for piece in entry.value(CONTENT, []):
            if not piece.count:
                continue
            require(piece.block < len(self.blocks), f"{shown(entry.path)}: there is no block {piece.block}")
            lengths = self.blocks[piece.block].lengths
            require(piece.index + piece.count <= len(lengths),
                    f"{shown(entry.path)}: block {piece.block} has {len(lengths)} fragments")
            require(sum(lengths[piece.index : piece.index + piece.count]) == piece.length,
                    f"{shown(entry.path)}: fragments of block {piece.block} are not {piece.length} bytes together")


PAGES_OF_RUNS = {
    ENTRY_RUN: (ENTRIES, decode_entry_page),
    FRAGMENT_RUN: (FRAGMENTS, decode_fragment_page),
    IDENTITY_RUN: (IDENTITIES, decode_identity_page),
}


def read_directory(archive, reference, kind, level, before):
    """The records below a directory, which a run (level None) or another directory refers to."""
    frame = archive.frame(reference.place, DIRECTORY, reference.payload_length, before)
    directory = decode_directory(unpack_packed(frame.payload))
    what = f"directory at {reference.place[1]}"
    require(directory.kind == kind, f"{what}: of another kind than the run")
    require(level in (None, directory.level), f"{what}: of level {directory.level}, not {level}")
    require(directory.records == reference.records, f"{what}: {directory.records} records, not {reference.records}")
    page_type, decode = PAGES_OF_RUNS[kind]
    # Positions are compared over all parts.
    here, records = position(*reference.place), []
    for child in directory.children:
        if directory.level > 1:
            found = read_directory(archive, child, kind, directory.level - 1, here)
        else:
            found = decode(unpack_packed(archive.frame(child.place, page_type, child.payload_length, here).payload))
        require(len(found) == child.records, f"{what}: {len(found)} records in a page, not {child.records}")
        require(found[0].key() == child.first_key, f"{what}: a page with another first key")
        records += found
    return records


def read_run(archive, run, before):
    records = read_directory(archive, run, run.kind, None, before)
    check_rising([record.key() for record in records], "run")
    if run.kind == FRAGMENT_RUN:
        blocks = range(run.first_block, run.first_block + run.records)
        require([record.block for record in records] == list(blocks), "fragment run: blocks are not consecutive")
    return records


# --- 9. COMMIT ----------------------------------------------------------------------------------


class Commit(NamedTuple):
    update: int
    date: int
    update_part: int
    previous_part: int
    update_offset: int
    previous_offset: int
    frames: int
    manifest_offset: int
    jump_update: int
    jump_offset: int
    jump_part: int
    previous_tag: bytes
    root: bytes
    state: bytes
    archive_id: bytes
    whole_nonce: bytes
    offset: int = 0  # the rest is not payload: where the commit stands, its tag, the nonce in its header
    tag: bytes = b""
    nonce: bytes = b""


def decode_commit(payload):
    cursor = Cursor(payload, "COMMIT")
    numbers = cursor.fixed("QqIIQQQQQQI")
    cursor.zero(4)
    commit = Commit(*numbers, *cursor.fixed("32s32s32s16s32s"))
    cursor.end()
    require(commit.update >= 1, "COMMIT: of no update")
    return commit


def read_commit(file, offset):
    """What a commit page says of itself."""
    frame = file.frame(offset)
    header = frame.header
    require(header.type == COMMIT, f"offset {offset}: no COMMIT frame")
    require(header.end() <= offset + 512, f"offset {offset}: commit is longer than a sector")
    commit = decode_commit(frame.payload)
    require(header.update == commit.update, f"offset {offset}: commit and its frame differ in the update number")
    require(header.index == commit.frames, f"offset {offset}: index of the commit's frame is wrong")
    require(not header.flags, f"offset {offset}: commit with frame flags {header.flags:#x}")
    return commit._replace(
        offset=offset, tag=frame.tag, nonce=header.nonce,
        update_offset=position(commit.update_part, commit.update_offset),
        previous_offset=position(commit.previous_part, commit.previous_offset),
        manifest_offset=position(part_of(offset), commit.manifest_offset),
        jump_offset=position(commit.jump_part, commit.jump_offset))


def jump_commit(commits):
    """Number of the jump commit of the commit after these; 0 is the start, which jumps to itself."""
    if not commits:
        return 0
    p = commits[-1].update
    j = commits[-1].jump_update
    jump_of_j = commits[j - 1].jump_update if j else 0
    return jump_of_j if p - j == j - jump_of_j else p


def check_commit_counts(file, header, commit, commits):
    """Refuses a commit that does not count after these, which do."""
    what = f"commit at {commit.offset}"
    number = len(commits) + 1
    require(commit.update == number, f"{what}: of update {commit.update}, not {number}")
    if commits:
        before = commits[-1]
        offset, tag, state, end = before.offset, before.tag, before.state, before.offset + PAGE_BYTES
        part = part_of(offset)
        if commit.update_part > part:
            end = position(part + 1, header.length)
        require(commit.date > before.date, f"{what}: its date is not later than that of the update before")
    else:
        part, offset, tag, state, end = 0, 0, header.genesis_tag, bytes(32), header.length
    require((commit.previous_part, commit.previous_offset) == (part, offset),
            f"{what}: names another place of the commit before")
    require(commit.previous_tag == tag, f"{what}: names another tag of the commit before")
    require(commit.archive_id == header.archive_id, f"{what}: is of another archive")
    require(commit.state == blake3(state, commit.root), f"{what}: state is wrong")
    require(commit.update_offset == end and commit.update_part <= part_of(commit.offset),
            f"{what}: its update does not start where the commit before ends")
    jump = jump_commit(commits)
    place = (part_of(commits[jump - 1].offset), commits[jump - 1].offset) if jump else (0, 0)
    require((commit.jump_update, commit.jump_part, commit.jump_offset) == (jump, *place),
            f"{what}: jump commit is wrong")
    frame = file.frame(commit.update_offset)
    require(frame.header.type == UPDATE, f"offset {commit.update_offset}: no UPDATE frame")
    update = decode_update(frame.payload)
    require((frame.header.update, frame.header.index) == (number, 0),
            f"{what}: the UPDATE frame is of another update")
    require(commit.whole_nonce[:8] == commit.nonce, f"{what}: its header has another nonce")
    require(update.nonce == commit.whole_nonce and frame.header.nonce == commit.nonce,
            f"{what}: the UPDATE frame has another nonce")
    require(update.previous_tag == tag, f"{what}: the UPDATE frame names another commit before")
    require(update.date == commit.date, f"{what}: the UPDATE frame has another date")


# --- 9.1 Finding the last commit ----------------------------------------------------------------


def find_commits(file, header):
    """All commits that count, oldest first."""
    last_page = file.size - PAGE_BYTES
    if last_page >= header.length and last_page % PAGE_BYTES == 0:
        try:
            return commits_back_from(file, header, last_page)
        except Refused:
            pass  # the last page is no commit that counts
    return follow_frames(file, header)


def commits_back_from(file, header, offset):
    back = [read_commit(file, offset)]
    while back[-1].previous_offset:
        require(back[-1].previous_offset < back[-1].offset,
                f"commit at {back[-1].offset}: the commit before stands behind it")
        back.append(read_commit(file, back[-1].previous_offset))
    commits = []
    for commit in reversed(back):
        check_commit_counts(file, header, commit, commits)
        commits.append(commit)
    return commits


def follow_frames(file, header):
    commits, place, reason, is_complete = [], header.length, "the frames end", False
    while place < file.size:
        if place == file.end_of_part(place):
            place, is_complete = position(part_of(place) + 1, header.length), False
            continue
        try:
            frame = file.frame_header(place)
        except Refused as refused:
            reason = refused
            break
        check_frame_header(frame)
        try:
            if frame.type == COMMIT:
                commit = read_commit(file, place)
                check_commit_counts(file, header, commit, commits)
                commits.append(commit)
        except Refused as refused:
            reason = refused
            break
        place, is_complete = frame.next(), bool(frame.flags & FRAME_LAST)
    require(place >= position(len(file.sizes), header.length), f"damaged at offset {place}: a part ends too early")
    if is_complete:
        page = file.read(place, min(PAGE_BYTES, file.size - place)) if place < file.size else b""
        require(not any(page), f"damaged at offset {place}: the frames before are complete, but their commit is not")
        require(not is_update(file, place + PAGE_BYTES),
                f"damaged at offset {place}: an update stands behind a commit that is lost")
    for page in range(aligned(place, PAGE_BYTES), file.size, PAGE_BYTES):
        if is_commit(file, header, page):
            raise Refused(f"damaged at offset {place} ({reason}): a commit stands behind it at offset {page}")
    return commits


def is_update(file, offset):
    try:
        return file.frame_header(offset).type == UPDATE
    except Refused:
        return False


def is_commit(file, header, offset):
    try:
        return read_commit(file, offset).archive_id == header.archive_id
    except Refused:
        return False


def read_header(read, start, size, part):
    """The header of a part; in an encrypted archive the second page has it too."""
    try:
        return decode_header(read(start, min(size, 512)), part)
    except Refused as refused:
        try:
            header = decode_header(read(start + PAGE_BYTES, 512), part)
            require(header.is_encrypted, "the second page is not that of an encrypted archive")
            return header
        except Refused:
            raise refused from None


class Archive:
    """An archive in one file or in parts."""

    def __init__(self, path, password=None):
        self.path, self.file = path, IndexFile(path) if is_index(path) else File(path)
        self.header = self.read_header()
        require(self.file.size >= self.header.length, "header: the file ends too early")
        if self.header.is_encrypted:
            require(password is not None, "the archive is encrypted: --password is missing")
            master_key = read_master_key([self.file, *index_beside(path)], self.header, password)
            self.file.keys = Keys(self.file, self.header, master_key)
        else:
            require(password is None, "the archive is not encrypted")
        if isinstance(self.file, IndexFile):
            # The link of part 0 is the genesis tag; of the parts' headers it has no copies.
            self.header = self.header._replace(genesis_tag=self.header.link)
            self.file.load(self.header)
            require(self.file.anchors, "index: it knows of no update")
            self.commits, self.runs, self.tail = find_commits(self.file, self.header), {}, 0
            tags = [anchor.commit_tag for anchor in self.file.anchors]
            require([commit.tag for commit in self.commits] == tags, "index: its anchors are not its commits")
            return
        for part in range(2, len(self.file.sizes) + 1):
            self.read_header(part)
        self.commits = find_commits(self.file, self.header)
        for part in range(2, len(self.file.sizes) + 1):
            self.check_part(part)
        self.runs = {}  # records by run reference, for runs live in several versions
        for commit in self.commits:
            for part in range(commit.update_part + 1, part_of(commit.offset) + 1):
                require(self.read_header(part).start_part == commit.update_part,
                        f"part {part}: does not go on with update {commit.update}")
        end = self.end()
        self.tail = sum(self.file.sizes[part_of(end):]) + self.file.end_of_part(end) - end

    def check_part(self, part):
        """Refuses a part that is not of this archive or follows another commit than the last one before it."""
        header, what = self.read_header(part), f"part {part}"
        require(header.archive_id == self.header.archive_id, f"{what}: is of another archive")
        require((header.is_encrypted, header.has_data) == (self.header.is_encrypted, self.header.has_data),
                f"{what}: has other flags than part 1")
        if header.start_part:
            return self.check_piece(part, header)
        before = [commit for commit in self.commits if part_of(commit.offset) < part]
        require(before, f"{what}: the parts before have no commit")
        require((header.link, header.first_update) == (before[-1].tag, before[-1].update + 1),
                f"{what}: does not follow part {part - 1}")

    def check_piece(self, part, header):
        """Refuses a part that does not go on with the update that the part before belongs to."""
        what, start = f"part {part}", header.start_part
        before = [commit for commit in self.commits if part_of(commit.offset) < start]
        link, update = (before[-1].tag, before[-1].update) if before else (self.header.genesis_tag, 0)
        require((header.link, header.first_update) == (link, update + 1), f"{what}: does not follow part {start - 1}")
        require(header.bytes_before == self.file.sizes[part - 2], f"{what}: part {part - 1} is cut short")
        first = self.file.frame_header(position(start, self.header.length))
        require((first.type, first.update, first.nonce) == (UPDATE, update + 1, header.nonce[:8]),
                f"{what}: goes on with another update than starts in part {start}")
        if part - 1 > start:
            earlier = self.read_header(part - 1)
            require((earlier.start_part, earlier.nonce) == (start, header.nonce),
                    f"{what}: goes on with another update than part {part - 1}")
        if part <= part_of(self.end()):
            frame = self.file.frame_header(position(part, self.header.length))
            require(frame.index == header.first_index, f"{what}: begins with frame {frame.index} of its update")

    def read_header(self, part=1):
        number = 0 if isinstance(self.file, IndexFile) else part
        return read_header(self.file.read, position(part, 0), self.file.sizes[part - 1], number)

    def end(self):
        return self.commits[-1].offset + PAGE_BYTES if self.commits else self.header.length

    def bytes(self):
        """Length of the archive up to its last commit."""
        return sum(self.file.sizes[: part_of(self.end()) - 1]) + self.end() % (1 << PART_BITS)

    def frame(self, place, type_, payload_length, before):
        """A frame that something names by its place; it must stand before `before`, where that is."""
        part, offset = place
        what = f"{FRAME_TYPES[type_][0]} frame at {offset} of part {part}"
        require(part, f"{what}: there is no such part")
        offset = position(part, offset)
        require(self.header.length <= offset < before, f"{what}: cannot stand there")
        frame = self.file.frame(offset)
        require(frame.header.type == type_, f"{what}: is of type {frame.header.type}")
        require(payload_length in (None, frame.header.length), f"{what}: payload is not {payload_length} bytes")
        commit = self.commits[bisect.bisect_left(self.commits, offset, key=lambda commit: commit.offset)]
        require(frame.header.update == commit.update,
                f"{what}: is of update {frame.header.update}, not {commit.update}")
        require(frame.header.nonce == commit.nonce, f"{what}: has another nonce than its update")
        return frame

    def identity(self, fragment):
        return keyed(self.file.keys.identity_key, fragment) if self.file.keys else blake3(fragment)

    def version(self, number=None):
        require(self.commits, "the archive has no update yet")
        return Version(self, len(self.commits) if number is None else number)


# --- 10. Part 0 ---------------------------------------------------------------------------------


class Anchor(NamedTuple):
    archive_id: bytes
    update: int
    nonce: bytes
    previous_tag: bytes
    commit_tag: bytes
    start_part: int
    commit_part: int
    start_offset: int
    commit_offset: int
    origin_offset: int
    origin_length: int
    previous: int
    archive_bytes: int

    def follows(self, before, offset_before, genesis_tag):
        end = self.commit_offset + PAGE_BYTES
        if before is None:
            return (self.update, self.previous, self.previous_tag) == (1, 0, genesis_tag) \
                and self.start_part == 1 and self.is_counted(self.archive_bytes, end)
        end_before = before.commit_offset + PAGE_BYTES
        same_part = self.start_part == before.commit_part and self.start_offset == end_before
        more = end - end_before if same_part else end
        return (self.update, self.previous, self.previous_tag) == (before.update + 1, offset_before, before.commit_tag) \
            and (same_part or self.start_part == before.commit_part + 1) \
            and self.is_counted(self.archive_bytes - before.archive_bytes, more)

    def is_counted(self, length, end):
        """Of an update in several parts the length of those before the last is not known here."""
        return length == end if self.start_part == self.commit_part else length > end


def decode_anchor(payload):
    cursor = Cursor(payload, "ANCHOR")
    anchor = Anchor(*cursor.fixed("16sQ32s32s32sIIQQQQQQ"))
    cursor.zero(8)
    cursor.end()
    require(anchor.update and anchor.start_part, "ANCHOR: an update in no part")
    require(anchor.commit_part < anchor.start_part + UPDATE_PARTS_MAX, "ANCHOR: an update in too many parts")
    require((anchor.start_part, anchor.start_offset) < (anchor.commit_part, anchor.commit_offset),
            "ANCHOR: an update behind its commit")
    return anchor


class Intent(NamedTuple):
    part: int
    update: int
    nonce: bytes
    previous_tag: bytes
    time: int


def decode_intent(payload):
    cursor = Cursor(payload, "INTENT")
    part, _ = cursor.fixed("I")[0], cursor.zero(4)
    intent = Intent(part, *cursor.fixed("Q32s32sq"))
    cursor.end()
    require(intent.part and intent.update, "INTENT: a part or an update 0")
    return intent


class Range(NamedTuple):
    part: int
    offset: int
    length: int
    copy: int  # offset in part 0


def decode_origin(payload):
    cursor = Cursor(payload, "ORIGIN")
    ranges = [Range(*cursor.place(), cursor.varint(), cursor.varint()) for _ in range(cursor.count(0, 4))]
    cursor.end()
    require(all(range_.length for range_ in ranges), "ORIGIN: a range of no bytes")
    for one, other in itertools.pairwise(ranges):
        require((one.part, one.offset + one.length) <= other[:2] and one.copy + one.length <= other.copy,
                "ORIGIN: ranges that do not follow each other")
    return ranges


def is_index(path):
    """Whether the file is part 0, by the flags of its header."""
    if "?" in path or "*" in path:
        return False
    with open(path, "rb") as file:
        header = file.read(20)
    return header[:8] == MAGIC and len(header) == 20 and bool(struct.unpack_from("<I", header, 16)[0] & INDEX_PART)


class IndexFile(File):
    """Part 0: the parts as far as it has copies of them, found by following its groups from the start."""

    def __init__(self, path):
        self.file, self.keys = open(path, "rb"), None
        self.length = os.fstat(self.file.fileno()).st_size
        self.sizes, self.size, self.anchors, self.ranges = [self.length], self.length, [], []

    def own(self, offset, length):
        require(offset + length <= self.length, f"offset {offset}: part 0 ends too early")
        self.file.seek(offset)
        return self.file.read(length)

    def read(self, offset, length):
        if not self.anchors:
            return self.own(offset, length)  # the header region
        part, start = part_of(offset), offset % (1 << PART_BITS)
        at = bisect.bisect_right(self.ranges, (part, start), key=lambda range_: range_[:2]) - 1
        require(at >= 0, f"offset {offset}: is not copied to part 0")
        range_ = self.ranges[at]
        end = range_.offset + range_.length
        require(range_.part == part and start + length <= end, f"offset {offset}: is not copied to part 0")
        return self.own(range_.copy + start - range_.offset, length)

    def own_frame(self, offset):
        header = decode_frame_header(self.own(offset, FRAME_HEADER_BYTES))
        require(header.type not in OF_INDEX or header.offset == offset, f"offset {offset}: a frame of another place")
        check_frame_header(header)
        return decode_frame(self.own(offset, FRAME_HEADER_BYTES + header.length + TAG_BYTES), self.keys)

    def load(self, header):
        offset, anchors, ranges, anchor_offset = header.length, [], [], 0
        while offset < self.length:
            try:
                anchor, anchor_offset_next, copied = self.group(offset)
                before = anchors[-1] if anchors else None
                require(anchor.archive_id == header.archive_id, f"anchor at {anchor_offset_next}: is of another archive")
                require(anchor.follows(before, anchor_offset, header.genesis_tag),
                        f"anchor at {anchor_offset_next}: does not follow the one before")
            except Refused:
                if any(self.is_anchor(page, header) for page in range(offset, self.length, PAGE_BYTES)):
                    raise
                break  # a group that was never completed
            anchors.append(anchor)
            ranges.extend(copied)
            anchor_offset = anchor_offset_next
            offset = anchor_offset + PAGE_BYTES
        if not anchors:
            return
        self.anchors, self.ranges = anchors, ranges
        ends = {range_.part: range_.offset + range_.length for range_ in ranges}  # as far as it is copied
        ends |= {anchor.commit_part: anchor.commit_offset + PAGE_BYTES for anchor in anchors}
        self.sizes = [ends.get(part, 0) for part in range(1, anchors[-1].commit_part + 1)]
        self.size = position(len(self.sizes), self.sizes[-1])

    def is_anchor(self, offset, header):
        try:
            frame = self.own_frame(offset)
            return frame.header.type == ANCHOR and decode_anchor(frame.payload).archive_id == header.archive_id
        except Refused:
            return False

    def group(self, offset):
        """The anchor of the group at `offset`, where it stands, and what the group copies."""
        frame, copies = self.own_frame(offset), []
        if frame.header.type == INTENT:
            offset += PAGE_BYTES
            frame = self.own_frame(offset)
        while frame.header.type != ORIGIN:
            require(frame.header.type not in (INTENT, ANCHOR, DATA), f"offset {offset}: no copy")
            copies.append((frame.header, offset))
            offset = aligned(offset + FRAME_HEADER_BYTES + frame.header.length + TAG_BYTES, 8)
            frame = self.own_frame(offset)
        origin_offset, ranges = offset, decode_origin(frame.payload)
        end = offset + FRAME_HEADER_BYTES + frame.header.length + TAG_BYTES
        offset = aligned(end, PAGE_BYTES)
        require(not any(self.own(end, offset - end)), f"offset {end}: bytes before an anchor are not zero")
        anchor = decode_anchor(self.own_frame(offset).payload)
        require((anchor.origin_offset, anchor.origin_length) == (origin_offset, frame.header.length),
                f"anchor at {offset}: names another ORIGIN")
        require(copies and copies[0][0].type == UPDATE and copies[-1][0].type == COMMIT,
                f"anchor at {offset}: its group is no update")
        for header, copy in copies:
            holding = [r for r in ranges if r.copy <= copy < r.copy + r.length]
            require(header.update == anchor.update and len(holding) == 1
                    and (header.part, header.offset) == (holding[0].part, holding[0].offset + copy - holding[0].copy),
                    f"offset {copy}: ORIGIN says something else of this frame")
        return anchor, offset, ranges


def verify_index(archive):
    """Compares part 0, if it is there, with the parts; says how many updates it has."""
    name = part_name(archive.path, 0)
    if name == archive.path or not os.path.exists(name):
        return None
    index = IndexFile(name)
    if index.length < archive.header.length:
        return None  # its making was interrupted
    header = read_header(index.own, 0, index.length, 0)
    require(header.archive_id == archive.header.archive_id, "index: is of another archive")
    require(header.link == archive.header.genesis_tag, "index: its link is not the genesis tag")
    index.keys = archive.file.keys
    index.load(header._replace(genesis_tag=header.link))
    for anchor, commit in zip(index.anchors, archive.commits):
        require((anchor.update, anchor.commit_tag) == (commit.update, commit.tag),
                f"index: has another update {anchor.update} than the parts")
    require(len(index.anchors) <= len(archive.commits), "index: the parts are older than it")
    for range_ in index.ranges:
        there = archive.file.read(position(range_.part, range_.offset), range_.length)
        require(there == index.own(range_.copy, range_.length),
                f"index: offset {range_.copy} is no copy of part {range_.part}, offset {range_.offset}")
    return len(index.anchors)


# --- 11. Encryption -----------------------------------------------------------------------------


def keyed(key, *pieces, length=32):
    hasher = new_blake3(key=key)
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest(length=length)


def aes_ctr(key, frame_index, data):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    cipher = Cipher(algorithms.AES(key), modes.CTR(struct.pack(">QQ", frame_index, 0))).encryptor()
    return cipher.update(bytes(data)) + cipher.finalize()


def index_beside(path):
    """Part 0 of an archive whose parts are named by a pattern, if it is there: a password may have reached it alone."""
    name = part_name(path, 0)
    return [IndexFile(name)] if name != path and os.path.exists(name) else []


def read_master_key(files, header, password):
    records = []
    for file, part, size in ((file, part, size) for file in files for part, size in enumerate(file.sizes, 1)):
        for page in (0, PAGE_BYTES):
            if page + 512 + 144 <= size:
                record = file.read(position(part, page + 512), 144)
                if record[:4] == b"ZKEY" and blake3(record[:128])[:16] == record[128:]:
                    records.append(record)
    require(records, "all key records are damaged")
    record = max(records, key=lambda record: struct.unpack_from("<I", record, 12))  # the newest password
    cursor = Cursor(record, "key record")
    _, version, derivation, log_n, r, p = cursor.fixed("4sBBBBB")
    cursor.zero(3)
    _, archive_id, salt, wrapped, tag = cursor.fixed("I16s32s32s32s")
    require((version, derivation) == (1, 1), f"key record: version {version}, key derivation {derivation}")
    require(10 <= log_n <= 20 and r == 8 and 1 <= p <= 4, f"key record: scrypt 2^{log_n}, {r}, {p}")
    require(archive_id == header.archive_id, "key record: of another archive")
    keys = hashlib.scrypt(password, salt=b"zarc-v1-kek\0" + salt, n=1 << log_n, r=r, p=p, maxmem=2**31 - 2, dklen=64)
    require(hmac.compare_digest(keyed(keys[32:], record[:96]), tag), "wrong password")
    return aes_ctr(keys[:32], 0, wrapped)


class Keys:
    """The keys of an encrypted archive's updates."""

    def __init__(self, file, header, master_key):
        self.master_key, self.archive_id = master_key, header.archive_id
        self.identity_key = keyed(master_key, b"zarc-v1-fragment-id\0", self.archive_id)
        self.known = {}  # by update number and beginning of the nonce

    def of_frame(self, header, payload):
        name = (header.update, header.nonce)
        if header.type in (UPDATE, COMMIT, INTENT, ANCHOR):
            decode = {UPDATE: decode_update, COMMIT: decode_commit, INTENT: decode_intent, ANCHOR: decode_anchor}
            frame = decode[header.type](payload)
            nonce = frame.whole_nonce if header.type == COMMIT else frame.nonce
            require(nonce[:8] == header.nonce, "frame: its header has another nonce")
            number = struct.pack("<Q", header.update)
            key = keyed(self.master_key, b"zarc-v1-update\0", self.archive_id, number, nonce, frame.previous_tag)
            self.known[name] = (keyed(key, b"enc\0"), keyed(key, b"mac\0"))
        require(name in self.known, f"frame of update {header.update}: belongs to no commit")
        return self.known[name]


# --- list ---------------------------------------------------------------------------------------


def shown(path):
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in path)


def shown_entry(entry):
    if entry.kind == DELETED:
        return f"x\t-\t-\t-\t{shown(entry.path)}"
    letter = KIND_LETTERS[entry.kind] if entry.kind <= SOCKET else "?"
    mode, mtime, target = entry.value(MODE), entry.value(MTIME), entry.value(LINK_TARGET)
    windows = entry.value(WINDOWS)
    attributes = f"{mode:04o}" if mode is not None else "-" if windows is None else f"w{windows:x}"
    return "\t".join((
        letter,
        attributes,
        str(entry.size()),
        "-" if mtime is None else f"{mtime[0]}.{mtime[1]:09}",
        shown(entry.path) + (f" -> {shown(target)}" if target is not None else ""),
    ))


def command_list(arguments, report):
    archive = Archive(arguments.archive, arguments.password)
    version = archive.version(arguments.until)
    if not arguments.all:
        print_entries(version.entries, report)
        return
    for number in range(1, version.commit.update + 1):
        version = archive.version(number)
        m = version.manifest
        counts = f"added {m.added} updated {m.updated} deleted {m.deleted} touched {m.touched}"
        print(f"update {number}\t{m.date}\t{counts}\t{shown(m.comment)}")
        print_entries((entry for entry in version.delta() if TOUCHED not in entry.fields), report)


def print_entries(entries, report):
    for entry in entries:
        print(shown_entry(entry))
        if entry.unknown():
            report.problem(f"{shown(entry.path)}: {entry.unknown()}")


# --- extract ------------------------------------------------------------------------------------

FILE_TYPES = {PIPE: stat.S_IFIFO, CHARACTER: stat.S_IFCHR, BLOCK_DEVICE: stat.S_IFBLK, SOCKET: stat.S_IFSOCK}


def command_extract(arguments, report):
    archive = Archive(arguments.archive, arguments.password)
    require(archive.header.has_data, "an archive without data: there is nothing to extract")
    version = archive.version(arguments.until)
    target = os.fsencode(arguments.target)
    os.makedirs(target, exist_ok=True)
    require(not os.listdir(target), f"{arguments.target} is not empty")
    Extraction(version, target, report).run()


class Extraction:
    def __init__(self, version, target, report):
        self.version, self.target, self.report = version, target, report
        self.directories = {target}  # made here: whatever else stands in the way is never followed
        self.links = {}  # first path of each object that had several names

    def run(self):
        directories = []
        for entry in self.version.entries:
            try:
                require(not entry.unknown(), entry.unknown())
                path = self.path_below_target(entry)
                self.make_directories(os.path.dirname(path) if path != self.target else path)
                if entry.kind == DIRECTORY_KIND:
                    self.make_directories(path)
                    directories.append((path, entry))
                else:
                    self.restore_object(path, entry)
            except Refused as refused:
                self.report.damage(f"{shown(entry.path)}: {refused}")
            except (OSError, OverflowError, ValueError) as error:
                self.report.problem(f"{shown(entry.path)}: {error}")
        for path, entry in reversed(directories):
            self.restore_metadata(path, entry)

    def path_below_target(self, entry):
        components = [c for c in entry.path.split(b"/") if c not in (b"", b".", b"..")]
        require(components or entry.kind == DIRECTORY_KIND, "nothing is left of the path")
        return os.path.join(self.target, *components)

    def make_directories(self, path):
        missing = []
        while path not in self.directories:
            missing.append(path)
            path = os.path.dirname(path)
        for path in reversed(missing):
            require(not os.path.lexists(path), f"{shown(path)} is in the way and no directory")
            os.mkdir(path, 0o700)
            self.directories.add(path)

    def restore_object(self, path, entry):
        require(not os.path.lexists(path), f"{shown(path)} is in the way")
        link = None
        if DEVICE in entry.fields:
            link = (entry.kind, *(entry.fields.get(tag) for tag in (MTIME, CTIME, INODE, DEVICE, CONTENT)))
        if link in self.links:
            os.link(self.links[link], path, follow_symlinks=False)
            return
        if entry.kind == REGULAR:
            self.restore_file(path, entry)
        elif entry.kind == SYMLINK:
            require(LINK_TARGET in entry.fields, "symbolic link without a target")
            os.symlink(entry.value(LINK_TARGET), path)
        else:
            is_device = entry.kind in (CHARACTER, BLOCK_DEVICE)
            require(DEVICE_NODE in entry.fields or not is_device, "device node without numbers")
            device = os.makedev(*entry.value(DEVICE_NODE)) if is_device else 0
            os.mknod(path, FILE_TYPES[entry.kind] | 0o600, device)
        self.restore_metadata(path, entry)
        if link:
            self.links[link] = path

    def restore_file(self, path, entry):
        self.version.check_content(entry)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for piece in entry.value(CONTENT, []):
                    if piece.count == 0:
                        file.seek(piece.length, os.SEEK_CUR)
                    for index in range(piece.index, piece.index + piece.count):
                        file.write(self.version.fragment(piece.block, index))
                file.truncate()  # to here: makes a hole at the end count
        except BaseException:
            os.unlink(path)
            raise

    def restore_metadata(self, path, entry):
        """Owner before mode, which a new owner would cut; times last."""
        follow = {} if entry.kind != SYMLINK else {"follow_symlinks": False}
        if OWNER in entry.fields and os.geteuid() == 0:
            self.attempt("owner", path, os.chown, *entry.value(OWNER), **follow)
        for name, value in entry.value(XATTRS, []):
            self.attempt(f"attribute {shown(name)}", path, os.setxattr, name, value, **follow)
        if MODE in entry.fields and entry.kind != SYMLINK:
            self.attempt("mode", path, os.chmod, entry.value(MODE))
        if MTIME in entry.fields:
            seconds, nanoseconds = entry.value(MTIME)
            instant = seconds * 1_000_000_000 + nanoseconds
            self.attempt("times", path, os.utime, ns=(instant, instant), **follow)

    def attempt(self, what, path, function, *values, **options):
        try:
            function(path, *values, **options)
        except (OSError, OverflowError, ValueError) as error:
            self.report.problem(f"{shown(path)}: {what} not restored: {error}")


# --- verify -------------------------------------------------------------------------------------


def command_verify(arguments, report):
    archive = Archive(arguments.archive, arguments.password)
    require(not isinstance(archive.file, IndexFile), "an index is verified beside its parts")
    if not archive.header.is_encrypted and any(archive.file.read(512, 144)):
        report.problem("header: the key record of a plain archive is not zero")
    blocks, entries = {}, {}
    for commit in archive.commits:
        data_payload = verify_frames(archive, commit, blocks, report)
        if not archive.header.has_data:
            require(not blocks, f"update {commit.update}: a DATA frame in an archive without data")
        entries = verify_version(archive.version(commit.update), blocks, entries, data_payload, report)
    fragments = sum(len(record.lengths) for record in blocks.values())
    print(f"{len(archive.commits)} updates, {len(entries)} names, {len(blocks)} blocks, {fragments} fragments, "
          f"{archive.bytes()} bytes, tail of {archive.tail} bytes")
    indexed = verify_index(archive)
    if indexed is not None:
        print(f"index of {indexed} updates")
    if not archive.header.has_data and archive.commits:
        fragments = archive.version().manifest.fragments
        print(f"archive without data: {fragments} fragments cannot be checked")
    print(f"fingerprint {archive.commits[-1].state[:8].hex() if archive.commits else 'none: no update yet'}")


def verify_frames(archive, commit, blocks, report):
    """Every frame of an update in order; puts its blocks into `blocks`, returns bytes of DATA payload."""
    offset, tags, stage, types, data_payload = commit.update_offset, [], 0, [], 0
    for index in range(commit.frames):
        require(offset < commit.offset, f"update {commit.update}: fewer frames than its commit counts")
        offset = next_piece(archive, commit, offset)
        frame = archive.file.frame(offset)
        header, what = frame.header, f"frame at {offset}"
        require(header.update == commit.update, f"{what}: is of update {header.update}, not {commit.update}")
        require(header.index == index, f"{what}: has index {header.index}, not {index}")
        require(header.nonce == commit.nonce, f"{what}: has another nonce than its update")
        require(bool(header.flags & FRAME_LAST) == (index == commit.frames - 1), f"{what}: flag LAST is wrong")
        require(ORDER_IN_UPDATE.get(header.type, -1) >= stage, f"{what}: out of order")
        stage = ORDER_IN_UPDATE[header.type]
        types.append(header.type)
        if header.type == DATA:
            record = verify_block(archive, frame, blocks)
            require(record.block not in blocks, f"{what}: block {record.block} once more")
            blocks[record.block] = record
            data_payload += header.length
        elif header.type in PAGE_DECODERS:
            PAGE_DECODERS[header.type](unpack_packed(frame.payload))
        if any(archive.file.read(header.end(), header.next() - header.end())):
            report.problem(f"{what}: bytes between frames are not zero")
        tags.append(frame.tag)
        offset = header.next()
    require(offset == commit.offset, f"update {commit.update}: its frames do not end at its commit")
    require(types.count(UPDATE) == types.count(MANIFEST) == 1,
            f"update {commit.update}: not one UPDATE and one MANIFEST")
    require(blake3(*tags) == commit.root, f"update {commit.update}: root is wrong")
    return data_payload


def next_piece(archive, commit, offset):
    """Where the next frame stands: in the next part if the update goes on there."""
    if part_of(offset) < part_of(commit.offset) and offset == archive.file.end_of_part(offset):
        return position(part_of(offset) + 1, archive.header.length)
    return offset


PAGE_DECODERS = dict(PAGES_OF_RUNS.values()) | {DIRECTORY: decode_directory}


def verify_block(archive, frame, blocks):
    """The fragment record that this DATA frame must have; `blocks` are those before it."""

    def read_base(number, depth_max=BLOCK_DEPTH_MAX):
        require(depth_max > 0, f"block {number} is a base block at too great a depth")
        require(number in blocks, f"base block {number} does not stand before")
        base = archive.file.frame(position(*blocks[number].place))
        return decode_data(base.payload, archive.header.block_bytes_max,
                           lambda base: read_base(base, depth_max - 1)).fragments()

    block = decode_data(frame.payload, archive.header.block_bytes_max, read_base)
    place = (frame.header.part, frame.header.offset % (1 << PART_BITS))
    identities = [archive.identity(fragment) for fragment in block.fragments()]
    return FragmentRecord(block.number, place, frame.header.length, block.bases, block.lengths, identities)


def verify_version(version, blocks, before, data_payload, report):
    """Compares a version with the frames met so far and the version before; returns its entries by path."""
    manifest, what = version.manifest, f"version {version.commit.update}"
    delta_records = version.read_run(manifest.delta_fragments) if manifest.delta_fragments else []
    if not version.archive.header.has_data:
        # There are no DATA frames to compare with; the records have to say so.
        for record in delta_records:
            require((record.place, record.payload_length) == ((0, 0), 0),
                    f"{what}: block {record.block} names a DATA frame in an archive without data")
        blocks = blocks | {record.block: record for record in version.blocks}
    require(len(version.blocks) == len(blocks),
            f"{what}: {len(version.blocks)} fragment records for {len(blocks)} blocks")
    for record in version.blocks:
        require(blocks.get(record.block) == record,
                f"{what}: block {record.block} differs from its fragment record")
    version.check_identities()
    delta_blocks = [record.block for record in delta_records]
    if version.archive.header.has_data:
        added_blocks = [n for n, r in blocks.items() if position(*r.place) > version.commit.update_offset]
        require(delta_blocks == sorted(added_blocks),
                f"{what}: the delta run of fragments is not the blocks of the update")
    else:
        new = sum(sum(record.lengths) for record in delta_records)
        require(new == manifest.content_new,
                f"{what}: {new} bytes in new fragments, the manifest says {manifest.content_new}")
    after, counts = dict(before), collections.Counter()
    for entry in version.delta():
        version.check_content(entry)
        if entry.unknown():
            report.problem(f"{what}: {shown(entry.path)}: {entry.unknown()}")
        change = classify(entry, before.get(entry.path))
        counts[change] += 1
        counts["content"] += entry.size() if change in ("added", "updated") else 0
        after[entry.path] = entry
        if entry.kind == DELETED:
            del after[entry.path]
    require(after == {entry.path: entry for entry in version.entries},
            f"{what} is not the version before with its delta run")
    for name, counted, claimed in (
        ("added", counts["added"], manifest.added),
        ("updated", counts["updated"], manifest.updated),
        ("deleted", counts["deleted"], manifest.deleted),
        ("touched", counts["touched"], manifest.touched),
        ("bytes of content added and updated", counts["content"], manifest.content_changed),
        ("bytes of DATA payload", data_payload, manifest.data_payload),
        ("names", len(after), manifest.names),
        ("bytes of content", sum(map(Entry.size, after.values())), manifest.content),
        ("fragments", sum(len(record.lengths) for record in version.blocks), manifest.fragments),
    ):
        if counted != claimed:
            report.problem(f"{what}: {name}: the manifest says {claimed}, counted {counted}")
    return after


def classify(entry, before):
    if entry.kind == DELETED:
        require(before, f"{shown(entry.path)}: deleted, but was not there")
        return "deleted"
    if before is None:
        return "added"
    quiet = (CTIME, INODE, DEVICE, UNSETTLED, TOUCHED)
    loud = [(e.kind, {t: v for t, v in e.fields.items() if t not in quiet}) for e in (entry, before)]
    is_touched = loud[0] == loud[1]
    require(is_touched == (TOUCHED in entry.fields), f"{shown(entry.path)}: the mark of touched entries is wrong")
    return "touched" if is_touched else "updated"


# --- vectors ------------------------------------------------------------------------------------


def decode_whole(take, data):
    cursor = Cursor(data, "vector")
    value = take(cursor)
    cursor.end()
    return value


VECTOR_DECODERS = {
    "header": decode_header,
    "header-of-part-3": lambda data: decode_header(data, 3),
    "frame-header": lambda data: check_frame_header(decode_frame_header(data)),
    "varint": lambda data: decode_whole(Cursor.varint, data),
    "svarint": lambda data: decode_whole(Cursor.svarint, data),
    "update": decode_update,
    # Base blocks of a vector have 256 bytes, from 0 to 255.
    "data": lambda data: decode_data(data, read_base=lambda block: [bytes(range(256))]),
    "fragment-page": decode_fragment_page,
    "entry-page": decode_entry_page,
    "directory": decode_directory,
    "identity-page": decode_identity_page,
    "manifest": decode_manifest,
    "commit": decode_commit,
    "anchor": decode_anchor,
    "intent": decode_intent,
    "origin": decode_origin,
    "packed": unpack_packed,
    "frame": decode_frame,
}


def command_vectors(arguments, report):
    agree, skipped = 0, 0
    for path in sorted(pathlib.Path(arguments.directory).glob("*.txt")):
        vector = read_vector(path)
        if vector["what"] not in VECTOR_DECODERS:
            skipped += 1
        elif disagreement := try_vector(vector):
            report.damage(f"{path.name}: {disagreement}")
        else:
            agree += 1
    print(f"{agree} vectors agree, {report.damages} disagree, {skipped} skipped")


def read_vector(path):
    vector = collections.defaultdict(str)
    for line in path.read_text(encoding="utf-8").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            vector[key.strip()] = vector["hex"] * (key.strip() == "hex") + value.strip()
    return vector


def try_vector(vector):
    """What is wrong with the vector or this reader; None if they agree."""
    if vector["expect"] not in ("ok", "refused"):
        return f"unknown expectation {vector['expect']!r}"
    try:
        data = bytes.fromhex(vector["hex"])
    except ValueError as error:
        return f"hex: {error}"
    try:
        value = VECTOR_DECODERS[vector["what"]](data)
    except Refused as refused:
        return f"refused: {refused}" if vector["expect"] == "ok" else None
    if vector["expect"] == "refused":
        return "decoded, but must be refused"
    if vector["what"] in ("varint", "svarint") and vector["value"] not in ("", str(value)):
        return f"decoded to {value}, not {vector['value']}"
    return None


# --- Command line -------------------------------------------------------------------------------


class Report:
    """Names what goes wrong on stderr and keeps the exit code."""

    def __init__(self):
        self.problems = self.damages = 0

    def problem(self, message):
        self.problems += 1
        print(f"reader: {message}", file=sys.stderr)

    def damage(self, message):
        self.damages += 1
        print(f"reader: refused: {message}", file=sys.stderr)

    def exit_code(self):
        return 2 if self.damages else 1 if self.problems else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description="Second reader of the .zarc format, draft 0.8.")
    commands = parser.add_subparsers(required=True)
    for name, function, operands in (
        ("list", command_list, ["archive"]),
        ("extract", command_extract, ["archive", "target"]),
        ("verify", command_verify, ["archive"]),
        ("vectors", command_vectors, ["directory"]),
    ):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        for operand in operands:
            command.add_argument(operand, metavar=operand.upper())
        if name != "vectors":
            command.add_argument("--password", type=os.fsencode, help="of an encrypted archive")
        if name in ("list", "extract"):
            command.add_argument("--until", type=int, metavar="N", help="version N instead of the newest")
        if name == "list":
            command.add_argument("--all", action="store_true", help="what each update changed")
    return parser.parse_args()


def main():
    arguments, report = parse_arguments(), Report()
    try:
        arguments.function(arguments, report)
    except (Refused, OSError) as error:
        report.damage(error)
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
