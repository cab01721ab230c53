/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports on guests that died: the ring of exits, the core's layout, directories that cannot be.
 */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <axvmm/crash.h>
#include <axvmm/probe.h>

#include "debug/crash.h"
#include "tests/temporary.h"
#include "tests/unit/run_fixture.h"

static char dir[TEMPORARY_SIZE];

static void make_dir(void)
{
	ck_assert(temporary_folder(dir, "crash"));
}

/* How many entries @dir has; the last one's path. */
static unsigned entries(char *path, size_t size)
{
	DIR *open = opendir(dir);
	struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(open))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		if (path)
			snprintf(path, size, "%s/%.120s", dir, entry->d_name);
	}
	closedir(open);
	return count;
}

static size_t read_file(const char *report, const char *name, char *text, size_t size)
{
	char path[400];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", report, name);
	fd = open(path, O_RDONLY);
	ck_assert_msg(fd >= 0, "%s", path);
	length = read(fd, text, size - 1);
	ck_assert_int_ge(length, 0);
	text[length] = 0;
	close(fd);
	unlink(path);
	return (size_t)length;
}

static void note(AxCrashRing *ring, AxVCpu *vcpu, uint64_t time, uint16_t port)
{
	AxVCpuExitReason exit = AX_EXIT_INIT;
	AxExitRecord record = { .size = sizeof(record), .exit = &exit, .time_ns = time };

	exit.kind = AX_EXIT_IO_WRITE;
	exit.vcpu = ax_vcpu_id(vcpu);
	exit.io_write.port = port;
	exit.io_write.count = 3;
	exit.io_write.bytes = (const uint8_t *)"abc";
	ax_crash_ring_note(ring, vcpu, &record);
}

START_TEST(the_last_exits_of_all_vcpus_are_told_in_order)
{
	AxCrashReport report = AX_CRASH_REPORT_INIT;
	static char text[400000];
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxVCpu *vcpus[2] = { free_vcpu(vm, 0, 0), free_vcpu(vm, 1, 0) };
	AxCrashRing *ring = ax_crash_ring_new(2, AX_CRASH_EXITS);
	char path[300], *line, *next;
	AxError err = AX_ERROR_INIT;
	unsigned expected = 1500;

	make_dir();
	ck_assert_ptr_eq(ax_crash_ring_new(0, 1), NULL);
	ck_assert_ptr_eq(ax_crash_ring_new(1, 0), NULL);
	for (unsigned i = 0; i < 2500; i++)
		note(ring, vcpus[i % 2], 1000 + i, (uint16_t)i);
	report.dir = dir;
	report.ring = ring;
	ck_assert_msg(!ax_crash_report_write(vm, &report, path, sizeof(path), &err), "%s",
		      err.message);
	read_file(path, "exits.jsonl", text, sizeof(text));
	for (line = text; *line; line = next + 1) {
		char port[32];

		next = strchr(line, '\n');
		ck_assert_ptr_ne(next, NULL);
		*next = 0;
		snprintf(port, sizeof(port), "\"time_ns\":%u,", 1000 + expected++);
		ck_assert_msg(strstr(line, port) != NULL, "%s lacks %s", line, port);
	}
	ck_assert_uint_eq(expected, 2500);
	ax_crash_ring_free(ring);
	ax_crash_ring_free(NULL);
	ax_vm_destroy(vm);
}
END_TEST

#define RAM 0x100000

START_TEST(the_core_has_memory_and_registers)
{
	const struct prstatus_layout *layout = prstatus_find(ax_arch_name());
	AxCrashReport report = AX_CRASH_REPORT_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err = AX_ERROR_INIT;
	char path[300], core[320];
	uint8_t status[400], page[8];
	Elf64_Phdr program[3];
	Elf64_Ehdr header;
	struct stat stat;
	AxVCpu *vcpu;
	uint64_t value;
	int fd;

	make_dir();
	ck_assert_int_eq(ax_ram_add(vm, 0, RAM, 0, NULL), 0);
	ck_assert_int_eq(ax_ram_add(vm, 0x40000000, RAM, AX_RAM_MEMFD, NULL), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x3000, "anonymous", 8), 0);
	ck_assert_int_eq(ax_mem_write(vm, 0x400ff000, "shared..", 8), 0);
	vcpu = free_vcpu(vm, 0, 0);
	free_vcpu(vm, 1, 0);
	ck_assert_int_eq(ax_vcpu_set_reg(vcpu, layout->names[1], 0x1122334455667788, NULL), 0);
	report.dir = dir;
	report.name = "../bad";
	report.why = "a \"quote\"\n";
	ck_assert_msg(!ax_crash_report_write(vm, &report, path, sizeof(path), &err), "%s",
		      err.message);
	ck_assert(!strncmp(path + strlen(dir), "/guest-", 7));
	snprintf(core, sizeof(core), "%s/core", path);
	fd = open(core, O_RDONLY);
	ck_assert_int_eq(pread(fd, &header, sizeof(header), 0), sizeof(header));
	ck_assert_mem_eq(header.e_ident, ELFMAG, SELFMAG);
	ck_assert_uint_eq(header.e_type, ET_CORE);
	ck_assert_uint_eq(header.e_phnum, 3);
	ck_assert_int_eq(pread(fd, program, sizeof(program), (off_t)header.e_phoff),
			 sizeof(program));
	ck_assert_uint_eq(program[0].p_type, PT_NOTE);
	ck_assert_uint_eq(program[0].p_filesz, 2 * (12 + 8 + (uint64_t)layout->size));
	ck_assert_int_eq(pread(fd, status, sizeof(status), (off_t)program[0].p_offset + 20),
			 sizeof(status));
	memcpy(&value, status + layout->regs + 8, sizeof(value));
	ck_assert_uint_eq(value, 0x1122334455667788);
	ck_assert_uint_eq(status[32], 1);
	ck_assert_uint_eq(program[1].p_paddr, 0);
	ck_assert_uint_eq(program[2].p_paddr, 0x40000000);
	ck_assert_int_eq(pread(fd, page, 8, (off_t)program[1].p_offset + 0x3000), 8);
	ck_assert_mem_eq(page, "anonymou", 8);
	ck_assert_int_eq(pread(fd, page, 8, (off_t)program[2].p_offset + 0xff000), 8);
	ck_assert_mem_eq(page, "shared..", 8);
	ck_assert_int_eq(fstat(fd, &stat), 0);
	ck_assert_uint_eq((uint64_t)stat.st_size, program[2].p_offset + RAM);
	ck_assert_int_lt(stat.st_blocks * 512, RAM / 4);
	close(fd);
	ax_vm_destroy(vm);
}
END_TEST

START_TEST(layouts_are_those_of_linux)
{
	static const struct {
		const char *arch;
		unsigned machine;
		unsigned count;
	} known[] = { { "x86-64", EM_X86_64, 27 },
		      { "arm64", EM_AARCH64, 34 },
		      { "riscv64", 243, 32 } };

	for (unsigned i = 0; i < 3; i++) {
		const struct prstatus_layout *layout = prstatus_find(known[i].arch);

		ck_assert_uint_eq(layout->machine, known[i].machine);
		ck_assert_uint_eq(layout->count, known[i].count);
		/* pr_fpvalid follows, and fills up to 8 bytes. */
		ck_assert_uint_eq(layout->size, layout->regs + 8u * layout->count + 8);
	}
	ck_assert_ptr_eq(prstatus_find("m68k"), NULL);
}
END_TEST

START_TEST(where_nothing_can_be_written_nothing_is_left)
{
	AxCrashReport report = AX_CRASH_REPORT_INIT;
	AxVm *vm = new_vm(AX_IRQCHIP_NONE);
	AxError err = AX_ERROR_INIT;
	char file[100];

	make_dir();
	ck_assert_int_eq(ax_crash_report_write(vm, &report, NULL, 0, &err), -EINVAL);
	snprintf(file, sizeof(file), "%s/file", dir);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	report.dir = file;
	ck_assert_int_eq(ax_crash_report_write(vm, &report, NULL, 0, &err), -EIO);
	ck_assert(strstr(err.message, "there is no report") != NULL);
	unlink(file);
	ck_assert_uint_eq(entries(NULL, 0), 0);
	rmdir(dir);
	ax_vm_destroy(vm);
}
END_TEST

/* What a test has left in @dir. */
static void clean_up(void)
{
	static const char *const files[] = { "report",	     "exits.jsonl",   "registers",
					     "machine.json", "versions.json", "core" };
	char path[300], file[320];

	if (!*dir || access(dir, F_OK))
		return;
	if (entries(path, sizeof(path))) {
		for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(file, sizeof(file), "%s/%s", path, files[i]);
			unlink(file);
		}
		rmdir(path);
	}
	rmdir(dir);
}

static void add_tests(TCase *cases)
{
	tcase_add_checked_fixture(cases, NULL, clean_up);
	tcase_add_test(cases, the_last_exits_of_all_vcpus_are_told_in_order);
	tcase_add_test(cases, the_core_has_memory_and_registers);
	tcase_add_test(cases, layouts_are_those_of_linux);
	tcase_add_test(cases, where_nothing_can_be_written_nothing_is_left);
}

RUN_SUITE("crash reports", add_tests)
