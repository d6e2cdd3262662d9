"""A second decoder of the context-mixing codec, made from spec/context-mixing.md alone.

    context_mixing.py FILE        decodes the vectors in FILE and compares

Slow and plain; only the standard library. `decode(packed, raw_len)` gives bytes or raises ValueError.
"""

import sys

MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF


def clamp(low, value, high):
    return max(low, min(value, high))


def signed32(value):
    value &= MASK32
    return value - (1 << 32) if value >> 31 else value


# --- section 3: logits --------------------------------------------------------------------------


def squash_table():
    table, power = {}, 1 << 32
    for logit in range(2048):
        probability = (1 << 48) // ((1 << 32) + power)
        table[-logit] = 65536 - probability
        table[logit] = probability
        power = power * 4278222805 >> 32
    return table


SQUASH = squash_table()


def bound(logit):
    return clamp(-2047, logit, 2047)


def stretch_table():
    table, logit = [], -2047
    for probability in range(4096):
        while logit < 2047 and SQUASH[logit] < 16 * probability + 8:
            logit += 1
        table.append(logit)
    return table


STRETCH = stretch_table()

# --- section 4: histories -----------------------------------------------------------------------

COUNT_MAX = [40, 28, 12, 7, 6, 5]


def after_opposite(count):
    return count if count <= 3 else 4 if count <= 5 else 5 if count <= 9 else 6 if count <= 20 else 7


def is_allowed(zeros, ones):
    few, many = min(zeros, ones), max(zeros, ones)
    return few < len(COUNT_MAX) and many <= COUNT_MAX[few]


def history_after(history, bit):
    counts = [history[0], history[1]]
    counts[1 - bit] = after_opposite(counts[1 - bit])
    counts[bit] += 1
    while not is_allowed(*counts):
        counts[bit] -= 1
    recent = history[2] * 2 + bit if sum(counts) <= 3 else bit
    return counts[0], counts[1], recent


def all_histories():
    found = [(0, 0, 0)]
    for history in found:
        for bit in (0, 1):
            after = history_after(history, bit)
            if after not in found:
                found.append(after)
    found.sort(key=lambda h: (h[0] + h[1], h[0], h[2]))
    number = {history: index for index, history in enumerate(found)}
    return found, [[number[history_after(h, bit)] for bit in (0, 1)] for h in found]


HISTORIES, NEXT = all_histories()

# --- section 5: cells ---------------------------------------------------------------------------


class Cell:
    """A probability of 2^32."""

    def __init__(self, probability=1 << 31):
        self.probability = probability

    def inputs(self):
        probability = self.probability >> 20
        return [STRETCH[probability], probability - 2048]

    def learn(self, bit):
        self.go(bit, lambda distance: distance - (distance >> 7))

    def go(self, bit, nearer):
        distance = nearer(MASK32 - self.probability if bit else self.probability)
        self.probability = MASK32 - distance if bit else distance


class NoCell:
    """What history number 0, and no match, stand for."""

    def inputs(self):
        return [0, 0]

    def learn(self, bit):
        pass


class CountedCell(Cell):
    def __init__(self, probability):
        super().__init__(probability)
        self.count = 0

    def learn(self, bit):
        rate = (1 << 17) // (2 * self.count + 3)
        self.go(bit, lambda distance: distance - (distance * rate >> 16))
        self.probability -= self.probability % 128
        self.count += self.count < 127


def history_cells():
    cells = [Cell(((2 * ones + 1) << 31) // (zeros + ones + 1)) for zeros, ones, _ in HISTORIES]
    return [NoCell()] + cells[1:]


# --- section 2: the range coder -----------------------------------------------------------------


class RangeDecoder:
    def __init__(self, packed):
        self.packed, self.position = packed, 0
        self.low, self.high, self.value = 0, MASK32, 0
        for _ in range(4):
            self.shift()

    def shift(self):
        if self.position >= len(self.packed):
            raise ValueError("the packed bytes end too early")
        self.value = (self.value << 8 | self.packed[self.position]) & MASK32
        self.position += 1

    def bit(self, probability):
        probability = clamp(1, probability, 65535)
        middle = self.low + ((self.high - self.low) * probability >> 16)
        bit = int(self.value <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & MASK32
            self.high = (self.high << 8 | 255) & MASK32
            self.shift()
        return bit

    def end(self):
        if self.position != len(self.packed) or self.value != self.high:
            raise ValueError("the packed bytes do not end where they should")


# --- section 6: contexts ------------------------------------------------------------------------


def combine(seed, value):
    mixed = (seed ^ value) * 0x9E3779B1 & MASK32
    return mixed ^ mixed >> 15


def is_word_byte(byte):
    return chr(byte).isalnum() if byte < 128 else True


def class_of(byte):
    for number, members in enumerate(CLASSES, start=1):
        if byte in members:
            return number
    return 12


CLASSES = [
    bytes(range(0x61, 0x7B)) + bytes(range(128, 256)),
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b" \t",
    b"\n",
    b"\"'`",
    b"([{<",
    b")]}>",
    b",:;",
    b"./",
    b"\0",
]


class Contexts:
    def __init__(self, is_text, raw):
        self.is_text, self.raw = is_text, raw
        self.words = [0, 0, 0]
        self.shape = 0
        self.line_start = self.line_above = self.line_head = 0
        self.followers = {}

    def back(self, distance):
        return self.raw[-distance] if distance <= len(self.raw) else 0

    def last(self, count, skip=0):
        return sum(self.back(i + 1) << 8 * i for i in range(skip, count))

    def push(self, byte):
        for key in ((self.back(1),), (self.back(2), self.back(1))):
            self.followers[key] = (self.followers.get(key, 0) << 8 | byte) & MASK32
        kind = class_of(byte)
        if kind > 4 or kind != self.shape & 15:
            self.shape = (self.shape << 4 | kind) & MASK32
        if is_word_byte(byte) or byte == 0x5F:
            lower = byte + 32 if 0x41 <= byte <= 0x5A else byte
            self.words[0] = combine(self.words[0], lower + 1)
        elif self.words[0]:
            self.words = [0, self.words[0], self.words[1]]
        if byte == 10:
            self.line_above, self.line_start, self.line_head = self.line_start, len(self.raw) + 1, 0
        elif self.line_head <= 32:
            self.line_head = byte

    def order(self, count):
        return combine(combine(count, self.last(min(count, 4))), self.last(count) >> 32)

    def hashes(self, guess):
        h = self.text() if self.is_text else self.binary()
        h[0], h[1], h[2] = (self.order(count) for count in (2, 3, 4))
        h[4] = combine(guess, self.back(1) << 20)
        h[7] = self.back(1)
        return h

    def text(self):
        word, _, skipped = self.words
        newest = self.back(1)
        column = len(self.raw) - self.line_start
        above = self.line_above + column
        above = self.raw[above] if above < self.line_start else 0
        h = [0] * 15
        h[3] = combine(combine(3, word), newest)
        h[5] = combine(combine(5, self.shape), newest)
        h[6] = self.after_two(6)
        h[8] = self.order(6)
        h[9] = self.after_one()
        h[10] = combine(10, self.last(4, 2))
        h[11] = combine(combine(11, above << 8 | newest), min(column, 255))
        h[12] = combine(combine(12, word), self.line_head << 8)
        h[13] = combine(combine(combine(13, word), skipped), newest)
        h[14] = self.order(5)
        return h

    def binary(self):
        high = self.last(8) >> 32
        low = self.last(4)
        h = [0] * 15
        h[3] = self.order(6)
        h[5] = combine(combine(5, self.last(4, 3)), high & 0xFF000000)
        h[6] = combine(combine(6, len(self.raw) & 3), self.last(2))
        h[8] = combine(8, self.last(3, 1))
        h[9] = self.after_one()
        h[10] = combine(10, self.last(4, 2))
        h[11] = combine(11, low & 0xF8F8F8F8)
        h[12] = self.after_two(12)
        h[13] = combine(combine(13, low & 0xFFFF00FF), high & 0xFF)
        h[14] = combine(combine(14, low & 0x00FF00FF), high & 0xFF)
        return h

    def after_one(self):
        newest = self.back(1)
        return combine(combine(9, self.followers.get((newest,), 0) & 0xFFFF), newest)

    def after_two(self, seed):
        key = (self.back(2), self.back(1))
        return combine(combine(seed, self.followers.get(key, 0) & 0xFFFFFF), key[1])

    def of_expected(self, expected, state):
        word, before, _ = self.words
        return [
            combine(0, state),
            combine(1, self.back(1) << 8 | expected),
            combine(combine(2, self.last(2)), expected),
            combine(combine(3, self.last(3)), expected),
            combine(combine(4, self.last(4)), expected),
            combine(self.order(6), expected),
            combine(combine(combine(6, word), before), expected),
        ]


# --- section 7: slots ---------------------------------------------------------------------------


class Table:
    def __init__(self, bits):
        self.bits, self.lines = bits, {}

    def find(self, line, check):
        slots = self.lines.setdefault(line, [[0] * 16 for _ in range(4)])
        given_up = slots[0]
        for slot in slots:
            if slot[0] == check:
                return slot
            if slot[1] < given_up[1]:
                given_up = slot
        given_up[:] = [check] + [0] * 15
        return given_up


# --- section 8: the match -----------------------------------------------------------------------


class Match:
    def __init__(self, bits, raw):
        self.bits, self.raw, self.positions = bits, raw, {}
        self.pointer = self.length = self.misses = self.candidate = self.expected = 0
        self.cells = [Cell() for _ in range(256 + 16)]
        self.is_refused = False

    def start_byte(self):
        raw, position = self.raw, len(self.raw)
        if self.pointer:
            hit = raw[self.pointer] == raw[-1]
            self.length = min(self.length + 1, 65535) if hit else 0
            self.misses = (self.misses << 1 | (not hit)) & 255
            self.pointer += 1
        if self.length < 16 and self.candidate:
            candidate, length = self.candidate + 1, 0
            while length < min(32, candidate) and raw[candidate - 1 - length] == raw[-1 - length]:
                length += 1
            if length > self.length and length >= 6:
                self.length, self.pointer, self.misses = length, candidate, 0
        if position >= 5:
            key = 0
            for byte in raw[-5:]:
                key = (key << 5 | key >> 27) & MASK32
                key = (key + byte + 1) * 0x2F0B4C47 & MASK32
            key >>= 32 - self.bits
            self.candidate = self.positions.get(key, 0)
            self.positions[key] = position
        if self.misses == 255:
            self.pointer = self.length = 0
        self.expected = raw[self.pointer] | 256 if self.pointer else 0
        self.is_refused = False

    def length_class(self):
        length = self.length
        if length == 0:
            return int(self.pointer > 0)
        if length < 16:
            return 2 + min(length // 2, 6)
        if length < 32:
            return 9 + (length >= 24)
        return 6 + length.bit_length() - 1 if length < 512 else 15

    def guess(self):
        return self.expected << 8 | self.length_class()

    def state(self):
        return self.length_class() * 8 + (self.misses & 7)

    def cell(self, partial, bit_count):
        if self.expected >> 8 - bit_count != partial:
            return None
        bit = self.expected >> 7 - bit_count & 1
        state = 128 + bit_count if self.is_refused else self.state()
        return self.cells[state * 2 + bit]


# --- section 9: mixing and refining -----------------------------------------------------------


class Mixer:
    def __init__(self, inputs, one, weight):
        self.inputs, self.one, self.weight, self.sets = inputs, one, weight, {}

    def mix(self, inputs, chosen):
        self.weights = self.sets.setdefault(chosen, [self.weight] * self.inputs)
        self.given = inputs
        products = (x * weight for x, weight in zip(inputs, self.weights))
        self.logit = bound(signed32(sum(products)) >> self.one)
        return self.logit

    def error(self, bit):
        return (bit << 16) - SQUASH[self.logit]

    def learn(self, error):
        for i, x in enumerate(self.given):
            step = (x * error >> 16) + 1 >> 1
            self.weights[i] = clamp(-32768, self.weights[i] + step, 32767)


class Refinement:
    def __init__(self):
        self.curves = {}

    def refine(self, logit, context):
        first = [SQUASH[bound((i - 8) * 256)] for i in range(17)]
        self.curve = self.curves.setdefault(context, first)
        low, share = divmod(logit + 2048, 256)
        self.cell = low + (share >= 128)
        return self.curve[low] + ((self.curve[low + 1] - self.curve[low]) * share >> 8)

    def learn(self, bit):
        target = 65535 if bit else 0
        self.curve[self.cell] += target - self.curve[self.cell] >> 5


# --- section 8: the expected byte ---------------------------------------------------------------


class ExpectedByte:
    def __init__(self, bits):
        self.bits, self.tables = bits, [{} for _ in range(7)]
        self.mixers = [Mixer(8, 14, 1 << 12), Mixer(8, 14, 1 << 12)]

    def bit(self, coder, hashes, chosen):
        places = [value >> 32 - self.bits for value in hashes]
        cells = [t.setdefault(p, CountedCell(4_000_000 << 10)) for t, p in zip(self.tables, places)]
        inputs = [STRETCH[cell.probability >> 20] for cell in cells] + [256]
        logits = [mixer.mix(inputs, one) for mixer, one in zip(self.mixers, chosen)]
        hit = coder.bit(SQUASH[sum(logits) >> 1])
        for cell in cells:
            cell.learn(hit)
        for mixer in self.mixers:
            mixer.learn(5 * mixer.error(hit) >> 5)
        return hit


# --- the model ----------------------------------------------------------------------------------


class Model:
    def __init__(self, is_text, is_strong, raw_len, raw):
        self.raw, self.strong, self.is_text = raw, is_strong, is_text
        self.count = 15 if is_strong else 7
        bits = max(raw_len, 1).bit_length()
        self.contexts = Contexts(is_text, raw)
        self.long = 40 if is_strong else 24
        self.match = Match(clamp(10, bits, 22), raw)
        self.expected = ExpectedByte(clamp(10, bits, 18))
        table_bits = clamp(8, bits - 2, 17)
        self.tables = [Table(11 if i == 7 else table_bits) for i in range(self.count)]
        self.cells = [history_cells() for _ in range(self.count)]
        self.mixers = [Mixer(2 * self.count + 2, 14, 1 << 9 if is_strong else 1 << 10) for _ in range(3)]
        self.last_mixer = Mixer(3, 13, (1 << 14) // 5)
        self.refinements = [Refinement() for _ in range(3 if is_strong else 2)]

    def byte(self, coder):
        self.match.start_byte()
        if self.match.length >= self.long and self.is_expected(coder):
            byte = self.match.expected & 255
        else:
            byte = self.bits(coder)
        self.contexts.push(byte)
        self.raw.append(byte)

    def is_expected(self, coder):
        match, byte = self.match, self.match.expected & 255
        hashes = self.contexts.of_expected(byte, min(match.length, 511) * 8 + (match.misses & 7))
        hit = self.expected.bit(coder, hashes, [match.state(), self.contexts.back(1) << 8 | byte])
        match.is_refused = not hit
        return hit

    def bits(self, coder):
        wide = [h * 0x9E3779B97F4A7C15 & MASK64 for h in self.contexts.hashes(self.match.guess())]
        partial = 1
        for half in (0, 1):
            slots = []
            for i, table in enumerate(self.tables):
                line = (wide[i] >> 32) >> 32 - table.bits
                line ^= partial & {0: 31, 1: 3, 7: 31}.get(i, 0)
                slots.append(table.find(line, (wide[i] >> 24) + partial * 0x35 & 255))
            node = 1
            for bit_count in range(4 * half, 4 * half + 4):
                bit = self.bit(coder, partial, bit_count, slots, node)
                partial, node = partial << 1 | bit, node << 1 | bit
        return partial & 255

    def bit(self, coder, partial, bit_count, slots, node):
        cells = [cells[slot[node]] for cells, slot in zip(self.cells, slots)]
        match_cell = self.match.cell(partial, bit_count)
        agreeing = 0
        if match_cell:
            agreeing = 1 if self.match.is_refused else self.match.length_class()
        cells.append(match_cell or NoCell())
        inputs = [one for cell in cells for one in cell.inputs()]
        orders = 2 * sum(slot[node] > 0 for slot in slots[:4]) + (slots[5][node] > 0)
        newest, second = self.contexts.back(1), self.contexts.back(2)
        place = self.contexts.shape & 255 if self.is_text else second
        sets = [orders << 8 | partial, newest << 4 | agreeing, place << 3 | bit_count]
        outputs = [mixer.mix(inputs, one) for mixer, one in zip(self.mixers, sets)]
        logit = self.last_mixer.mix(outputs, partial)
        pair = ((second << 8 | newest) ^ partial << 16) * 0x9E3779B1 & MASK32
        curves = [agreeing << 8 | partial, newest << 8 | partial, pair >> 18]
        refined = [r.refine(logit, curve) for r, curve in zip(self.refinements, curves)]
        if self.strong:
            bit = coder.bit(refined[0] + refined[1] + 2 * refined[2] >> 2)
        else:
            bit = coder.bit(sum(refined) >> 1)
        for refinement in self.refinements:
            refinement.learn(bit)
        for cell in cells:
            cell.learn(bit)
        for slot in slots:
            slot[node] = NEXT[slot[node]][bit]
        for mixer in self.mixers:
            mixer.learn(3 * mixer.error(bit) >> 3)
        self.last_mixer.learn(self.last_mixer.error(bit) >> 3)
        return bit


def decode(packed, raw_len):
    if not packed or packed[0] > 3:
        raise ValueError("the first packed byte is unknown")
    raw = bytearray()
    model = Model(packed[0] & 1, packed[0] & 2, raw_len, raw)
    coder = RangeDecoder(packed[1:])
    while len(raw) < raw_len:
        model.byte(coder)
    coder.end()
    return bytes(raw)


# --- vectors: inputs as in tests/context_mixing.rs ----------------------------------------------


class SplitMix:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK64
        z = (self.state ^ self.state >> 30) * 0xBF58476D1CE4E5B9 & MASK64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK64
        return z ^ z >> 31


def noise(seed, length):
    dice = SplitMix(seed)
    return bytes(dice.next() >> 56 for _ in range(length))


def words(seed, length):
    parts = ["the ", "archive ", "keeps ", "Every ", "version\n", "of_a ", "file, ", "\u00e4ra "]
    dice, text = SplitMix(seed), b""
    while len(text) < length:
        text += parts[dice.next() % 8].encode()
    return text[:length]


def records(length):
    parts = (i.to_bytes(4, "little") + (i * i // 7).to_bytes(4, "little") + b"\0\0\1\xff"
             for i in range(length // 12 + 1))
    return b"".join(parts)[:length]


def described(form, *numbers):
    if form == "mixture":
        text = words(1, numbers[0])
        return text + noise(2, 200) + text + records(numbers[0])
    made = {"noise": noise, "words": words, "records": records, "zeros": bytes}
    return made[form](*numbers)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        blocks = file.read().split("\n\n")
    agree = skipped = 0
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "packed" in fields:
            form, *numbers = fields["input"].split()
            raw = described(form, *map(int, numbers))
            if decode(bytes.fromhex(fields["packed"]), len(raw)) != raw:
                sys.exit(f"{fields['input']}, {fields['strength']}: disagrees")
            agree += 1
        elif "input" in fields:
            skipped += 1
    print(f"{agree} vectors agree, 0 disagree, {skipped} have no bytes")


if __name__ == "__main__":
    main()
