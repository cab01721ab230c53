/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading traces: every kind of exit comes back as it was packed, times and vCPUs are merged, and
 * damage is told and costs no more than it must.
 */
#include "core/trace_pack.h"
#include "tests/unit/trace_fixture.h"

/* A file that is put together here, chunk by chunk. */
static void put_chunk(struct memory_file *file, uint32_t type, uint32_t vcpu, const void *bytes,
		      size_t len)
{
	uint8_t head[TRACE_CHUNK_HEAD];

	trace_store(head, TRACE_MAGIC, 4);
	trace_store(head + 4, TRACE_VERSION, 2);
	trace_store(head + 6, type, 2);
	trace_store(head + 8, vcpu, 4);
	trace_store(head + 12, len, 4);
	trace_store(head + 16, trace_crc(trace_crc(0, head, 16), bytes, len), 4);
	memory_write(file, head, sizeof(head));
	memory_write(file, bytes, len);
}

/* Text in a trace ends by its length, not by a zero. */
static void put_text(uint8_t *to, const char *text, size_t len)
{
	memcpy(to, text, len);
}

/* A header of a counter of 1 GHz whose 0 is at 5000 ns. */
static void put_head(struct memory_file *file)
{
	uint8_t header[TRACE_HEADER_SIZE + 3] = { 1 }, clock[TRACE_CLOCK_SIZE] = { 0 };

	trace_store(header + 4, 2, 4);
	trace_store(header + 32, 1000000000, 8);
	header[40] = 3;
	put_text(header + 41, "1.2", 3);
	put_chunk(file, TRACE_CHUNK_HEADER, 0, header, sizeof(header));
	trace_store(clock + 8, 5000, 8);
	put_chunk(file, TRACE_CHUNK_CLOCK, 0, clock, sizeof(clock));
}

static void put_end(struct memory_file *file)
{
	uint8_t end[TRACE_END_SIZE] = { 0 };

	put_chunk(file, TRACE_CHUNK_END, 0, end, sizeof(end));
}

/* Halts of a vCPU, each 100 after the other from @first on. */
static void put_halts(struct memory_file *file, uint32_t vcpu, uint64_t first, unsigned count)
{
	AxVCpuExitReason exit = { .kind = AX_EXIT_HALT };
	uint8_t bytes[8 + TRACE_RECORD_MAX], *at = bytes + 8;
	struct trace_pack pack = { .last = first };

	trace_store(bytes, first, 8);
	for (unsigned i = 0; i < count; i++) {
		const uint64_t times[3] = { first + 100 * i, first + 100 * i + 10,
					    first + 100 * i + 15 };

		at = trace_pack_exit(&pack, at, &exit, AX_UNHANDLED, times, 0, NULL, 0);
	}
	put_chunk(file, TRACE_CHUNK_EXITS, vcpu, bytes, (size_t)(at - bytes));
}

/* Every byte of the kind's fields is @seed's, as far as it may be. */
static AxVCpuExitReason fill_exit(uint32_t kind, unsigned seed)
{
	AxVCpuExitReason exit = { .kind = kind };
	const struct trace_field *fields;
	size_t count = 0;

	fields = trace_fields(kind, &count);
	for (size_t i = 0; i < count; i++) {
		uint64_t values[] = { [TRACE_BOOL] = seed & 1,
				      [TRACE_WIDTH] = seed % 3,
				      [TRACE_LENGTH] = 1u << seed % 3,
				      [TRACE_COUNT] = 1 + seed % 9,
				      [TRACE_EIGHT] = 8,
				      [TRACE_INSN] = AX_INSN_MAX };
		unsigned times = fields[i].repeat ? fields[i].repeat : 1;

		for (unsigned j = 0; j < times; j++) {
			uint64_t value = (seed + j) * 0x9e3779b97f4a7c15u;

			if (fields[i].check != TRACE_ANY && fields[i].check != TRACE_ADDRESS)
				value = values[fields[i].check];
			trace_set(&exit, fields[i].offset + j * fields[i].size, fields[i].size,
				  value);
		}
	}
	if (kind == AX_EXIT_MMIO_READ)
		exit.mmio_read.reg = AX_REG_UNKNOWN;
	return exit;
}

START_TEST(every_kind_comes_back_as_it_was)
{
	uint32_t kind = (uint32_t)_i;
	uint8_t packed[TRACE_RECORD_MAX], text[64];

	memset(text, 'x', sizeof(text));
	for (unsigned seed = 0; seed < 50; seed++) {
		AxVCpuExitReason exit = fill_exit(kind, seed);
		const uint64_t times[3] = { 1000 + seed, 1u << 30, UINT64_C(1) << 50 };
		struct trace_pack pack = { .last = 900, .addr = seed * 77 }, unpack = pack;
		size_t string = trace_string_size(&exit), len;
		struct trace_record record;

		len = (size_t)(trace_pack_exit(&pack, packed, &exit, AX_STOP, times, seed * 3, text,
					       string) -
			       packed);
		ck_assert_uint_le(len, TRACE_RECORD_MAX);
		/* Of fewer bytes it is none, and not one more is looked at. */
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc(cut + !cut);
			struct trace_pack again = unpack;

			memcpy(copy, packed, cut);
			ck_assert_uint_eq(trace_unpack(&again, copy, cut, &record), 0);
			free(copy);
		}
		ck_assert_uint_eq(trace_unpack(&unpack, packed, len, &record), len);
		ck_assert_mem_eq(&record.exit, &exit, sizeof(exit));
		ck_assert_mem_eq(record.times, times, sizeof(times));
		ck_assert_int_eq(record.handled, AX_STOP);
		ck_assert_uint_eq(record.answer, trace_has_answer(kind) ? seed * 3 : 0);
		ck_assert_uint_eq(record.byte_count, string);
		ck_assert_uint_eq(unpack.last, pack.last);
		ck_assert_uint_eq(unpack.addr, pack.addr);
	}
}
END_TEST

START_TEST(values_that_kvm_cannot_say_are_no_record)
{
	static const uint8_t bad[][12] = {
		{ AX_EXIT_MMIO_READ, 0, 0, 0, 0, 4, 1, 0 },	 /* no width */
		{ AX_EXIT_MMIO_READ, 0, 0, 0, 0, 0, 9, 0 },	 /* more than 8 bytes */
		{ AX_EXIT_MMIO_READ, 0, 0, 0, 0, 2, 2, 0 },	 /* width and length differ */
		{ AX_EXIT_IO_READ, 0, 0, 0, 0, 3, 1, 0 },	 /* a port of 8 bytes */
		{ AX_EXIT_IO_READ, 0, 0, 0, 0, 0, 0, 0 },	 /* nothing of it */
		{ AX_EXIT_IO_READ, 0, 0, 0, 0, 0, 200, 200, 1 }, /* more than KVM has room for */
		{ AX_EXIT_IO_WRITE, 0, 0, 0, 0, 0, 9, 0, 1, 2 }, /* bytes are missing */
		{ AX_EXIT_CPU_UP | 3 << 5, 0, 0, 0, 0, 0, 0 },	 /* no verdict */
		{ AX_EXIT_KINDS, 0, 0, 0, 0, 0 },
		{ AX_EXIT_HALT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct trace_record record;
		struct trace_pack pack = { 0 };

		ck_assert_msg(!trace_unpack(&pack, bad[i], sizeof(bad[i]), &record), "record %zu",
			      i);
	}
}
END_TEST

START_TEST(vcpus_are_merged_in_the_order_of_time)
{
	static const uint64_t at[] = { 1010, 1060, 1110, 1160, 1210, 1260 };
	struct memory_file file = { 0 };
	AxTraceReader *reader;

	put_head(&file);
	put_halts(&file, 7, 1050, 2);
	put_halts(&file, 1, 1000, 3);
	put_halts(&file, 7, 1250, 1);
	put_end(&file);
	reader = open_memory(&file);
	for (unsigned pass = 0; pass < 2; pass++) {
		(void)next_entry(reader, AX_TRACE_BEGIN);
		for (unsigned i = 0; i < 6; i++) {
			AxTraceEntry entry = next_entry(reader, AX_TRACE_EXIT);

			ck_assert_uint_eq(entry.vcpu, i % 2 ? 7 : 1);
			ck_assert_uint_eq(entry.record.exit->vcpu, entry.vcpu);
			ck_assert_uint_eq(entry.record.time_ns, 5000 + at[i]);
			ck_assert_uint_eq(entry.record.kvm_ns, 10);
			ck_assert_uint_eq(entry.record.handler_ns, 5);
		}
		(void)next_entry(reader, AX_TRACE_END);
		ck_no_more(reader);
		ck_assert_int_eq(ax_trace_rewind(reader, NULL), 0);
	}
	ax_trace_close(reader);
	free(file.bytes);
}
END_TEST

START_TEST(traces_may_stand_one_behind_the_other)
{
	struct memory_file file = { 0 };
	AxTraceInfo info = AX_TRACE_INFO_INIT;
	AxTraceReader *reader;

	put_head(&file);
	put_halts(&file, 0, 1000, 1);
	put_end(&file);
	put_head(&file); /* killed before anything came */
	put_head(&file);
	put_chunk(&file, 99, 0, "later", 5);
	put_halts(&file, 0, 1, 1);
	put_end(&file);
	reader = open_memory(&file);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	(void)next_entry(reader, AX_TRACE_EXIT);
	(void)next_entry(reader, AX_TRACE_END);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	ax_trace_info(reader, &info);
	ck_assert(!info.complete);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	(void)next_entry(reader, AX_TRACE_EXIT);
	(void)next_entry(reader, AX_TRACE_END);
	ck_no_more(reader);
	ax_trace_info(reader, &info);
	ck_assert(info.complete);
	ck_assert_str_eq(info.version, "1.2");
	ax_trace_close(reader);
	free(file.bytes);
}
END_TEST

static void make_whole(struct memory_file *file)
{
	put_head(file);
	put_halts(file, 0, 1000, 5);
	put_halts(file, 1, 1001, 5);
	put_halts(file, 0, 2000, 5);
	put_end(file);
}

/* How many exits can be read, and what is said of damage. */
static unsigned count_exits(const struct memory_file *file, char damage[128])
{
	AxTraceReader *reader = open_memory(file);
	AxTraceEntry entry;
	unsigned count = 0;

	damage[0] = '\0';
	while (ax_trace_next(reader, &entry, NULL) > 0)
		count += entry.type == AX_TRACE_EXIT;
	ax_trace_damage(reader, damage, 128);
	ax_trace_close(reader);
	return count;
}

START_TEST(a_torn_file_is_read_up_to_its_last_whole_chunk)
{
	struct memory_file whole = { 0 }, cut;
	unsigned last = 0, count;
	AxTraceReader *reader;
	size_t begin;
	char damage[128];

	put_head(&whole);
	begin = TRACE_CHUNK_HEAD + TRACE_HEADER_SIZE + 3;
	free(whole.bytes);
	whole = (struct memory_file){ 0 };
	make_whole(&whole);
	ck_assert_uint_eq(count_exits(&whole, damage), 15);
	ck_assert_str_eq(damage, "");
	for (size_t len = 0; len < whole.len; len++) {
		cut = (struct memory_file){ malloc(len + !len), len, 0 };
		memcpy(cut.bytes, whole.bytes, len);
		if (len < begin) {
			ck_assert_int_eq(ax_trace_open(cut.bytes, len, &reader, NULL), -ENOEXEC);
		} else {
			count = count_exits(&cut, damage);
			ck_assert(count == 0 || count == 5 || count == 10 || count == 15);
			ck_assert_uint_ge(count, last);
			ck_assert(strstr(damage, "in the middle of a chunk at byte") ||
				  strstr(damage, "it has no end"));
			last = count;
		}
		free(cut.bytes);
	}
	ck_assert_uint_eq(last, 15);
	free(whole.bytes);
}
END_TEST

START_TEST(a_flipped_bit_costs_its_chunk_or_what_stands_behind)
{
	size_t begin = TRACE_CHUNK_HEAD + TRACE_HEADER_SIZE + 3;
	struct memory_file file = { 0 };
	char damage[128];

	make_whole(&file);
	for (size_t bit = 8 * begin; bit < 8 * file.len; bit++) {
		unsigned count;

		file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		count = count_exits(&file, damage);
		ck_assert_uint_le(count, 15);
		ck_assert_str_ne(damage, "");
		file.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_uint_eq(count_exits(&file, damage), 15);
	/* In what a chunk of exits says. */
	file.bytes[begin + TRACE_CHUNK_HEAD + TRACE_CLOCK_SIZE + TRACE_CHUNK_HEAD + 9] ^= 1;
	ck_assert_uint_eq(count_exits(&file, damage), 10);
	ck_assert_ptr_nonnull(strstr(damage, "1 chunk is damaged and left out"));
	free(file.bytes);
}
END_TEST

START_TEST(control_characters_in_names_are_replaced)
{
	uint8_t header[TRACE_HEADER_SIZE + 3] = { 1 }, range[TRACE_RANGE_SIZE + 6] = { 0, 6 };
	struct memory_file file = { .bytes = NULL };
	AxTraceInfo info = AX_TRACE_INFO_INIT;
	AxTraceReader *reader;
	AxTraceRange found;

	header[40] = 3;
	put_text(header + 41, "1\033c", 3);
	put_chunk(&file, TRACE_CHUNK_HEADER, 0, header, sizeof(header));
	put_text(range + 2, "a\033[2J\177", 6);
	put_chunk(&file, TRACE_CHUNK_RANGES, 0, range, sizeof(range));
	put_end(&file);
	ck_assert_int_eq(ax_trace_open(file.bytes, file.len, &reader, NULL), 0);
	ax_trace_info(reader, &info);
	ck_assert_str_eq(info.version, "1?c");
	ck_assert(ax_trace_range(reader, 0, &found));
	ck_assert_str_eq(found.name, "a?[2J?");
	ax_trace_close(reader);
	free(file.bytes);
}
END_TEST

START_TEST(what_is_no_trace_is_refused)
{
	struct memory_file file = { 0 };
	AxError err = AX_ERROR_INIT;
	AxTraceReader *reader;

	ck_assert_fails(ax_trace_open("", 0, &reader, &err), -ENOEXEC, AX_ERROR_FILE,
			"is no trace");
	ck_assert_fails(ax_trace_open("{\"time_ns\":1,\"vcpu\":0}\n", 23, &reader, &err), -ENOEXEC,
			AX_ERROR_FILE, "is no trace");
	make_whole(&file);
	file.bytes[4] = 2;
	ck_assert_fails(ax_trace_open(file.bytes, file.len, &reader, &err), -ENOEXEC, AX_ERROR_FILE,
			"version 2");
	file.bytes[4] = TRACE_VERSION;
	file.bytes[40] ^= 1;
	ck_assert_fails(ax_trace_open(file.bytes, file.len, &reader, &err), -ENOEXEC, AX_ERROR_FILE,
			"damaged at its beginning");
	free(file.bytes);
}
END_TEST

START_TEST(time_follows_the_clock_chunks)
{
	static const uint64_t pairs[][2] = {
		{ 1000, 50000 }, { 2000, 60000 }, { 1500, 70000 }, { 4000, 100000 }
	};
	struct memory_file file = { 0 };
	uint8_t clock[TRACE_CLOCK_SIZE];
	AxTraceReader *reader;

	put_head(&file); /* counter 0 is 5000 ns: 45 ns a tick up to the first pair */
	for (size_t i = 0; i < 4; i++) {
		trace_store(clock, pairs[i][0], 8);
		trace_store(clock + 8, pairs[i][1], 8);
		put_chunk(&file, TRACE_CHUNK_CLOCK, 0, clock, sizeof(clock));
	}
	put_halts(&file, 0, 490, 1);
	put_halts(&file, 0, 1490, 1);
	put_halts(&file, 0, 2990, 1);
	put_halts(&file, 0, 4990, 1);
	reader = open_memory(&file);
	(void)next_entry(reader, AX_TRACE_BEGIN);
	ck_assert_uint_eq(next_entry(reader, AX_TRACE_EXIT).record.time_ns, 5000 + 500 * 45);
	ck_assert_uint_eq(next_entry(reader, AX_TRACE_EXIT).record.time_ns, 55000);
	ck_assert_uint_eq(next_entry(reader, AX_TRACE_EXIT).record.time_ns, 80000);
	ck_assert_uint_eq(next_entry(reader, AX_TRACE_EXIT).record.time_ns, 120000);
	ax_trace_close(reader);
	free(file.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace reader");
	TCase *cases = tcase_create("trace reader");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, every_kind_comes_back_as_it_was, 0, AX_EXIT_KINDS);
	tcase_add_test(cases, values_that_kvm_cannot_say_are_no_record);
	tcase_add_test(cases, vcpus_are_merged_in_the_order_of_time);
	tcase_add_test(cases, traces_may_stand_one_behind_the_other);
	tcase_add_test(cases, a_torn_file_is_read_up_to_its_last_whole_chunk);
	tcase_add_test(cases, a_flipped_bit_costs_its_chunk_or_what_stands_behind);
	tcase_add_test(cases, control_characters_in_names_are_replaced);
	tcase_add_test(cases, what_is_no_trace_is_refused);
	tcase_add_test(cases, time_follows_the_clock_chunks);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
