/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit matrix: every scenario, then a line for each cell that came of it, of words separated by
 * tabs; tests/matrix/record makes a file of tests/matrix from these lines:
 *
 *   platform NAME
 *   cell     EXIT, the guest or what was done, what KVM said, native or opt-in
 *   empty    EXIT, why it cannot be
 *
 * Fails when a cell that tests/matrix/NAME has did not come as it says there. Where a test may skip
 * (AXVMM_REQUIRE_KVM is not 1), what this host does not let be tried is a skip.
 */
#include "matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "config.h"
#include "guest_run.h"
#include "guests/abi.h"
#include "sys/uapi.h"

#define SCENARIOS_MAX 64
#define RAWS_MAX      4

/* What came of a scenario. Shared by the processes in which libcheck runs them. */
struct outcome {
	atomic_flag locked;
	unsigned count;
	uint32_t raws[RAWS_MAX];
	char why_not[256];
};

static struct outcome *outcomes;

/* Of the process: which scenario runs. */
static const struct matrix_scenario *current;
static struct outcome *current_outcome;

static unsigned common_count(void)
{
	unsigned count = 0;

	while (matrix_common[count].name)
		count++;
	return count;
}

/* All of them: the architecture's come first. NULL past the end. */
static const struct matrix_scenario *scenario_at(unsigned index)
{
	unsigned arch_count = 0;

	while (matrix_arch[arch_count].name)
		arch_count++;
	if (index < arch_count)
		return &matrix_arch[index];
	index -= arch_count;
	return index < common_count() ? &matrix_common[index] : NULL;
}

/*
 * 1. What a scenario tells.
 */

void matrix_see(uint32_t kind, uint32_t raw)
{
	struct outcome *outcome = current_outcome;
	unsigned i = 0;

	if (kind != current->kind)
		return;
	while (atomic_flag_test_and_set(&outcome->locked))
		;
	while (i < outcome->count && outcome->raws[i] != raw)
		i++;
	if (i == outcome->count && i < RAWS_MAX)
		outcome->raws[outcome->count++] = raw;
	atomic_flag_clear(&outcome->locked);
}

void matrix_cannot(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(current_outcome->why_not, sizeof(current_outcome->why_not), format, args);
	va_end(args);
}

static AxHandled on_end(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			uint64_t value)
{
	return AX_STOP;
}

void matrix_run_code(struct code_vm *vm)
{
	static const AxRangeOps end_ops = { .size = sizeof(end_ops), .write = on_end };
	AxVmResult result = AX_VM_RESULT_INIT;
	AxRange range = AX_RANGE_INIT;
	AxError err = AX_ERROR_INIT;

	range.base = CODE_MMIO + CODE_END;
	range.length = 4;
	range.ops = &end_ops;
	ck_ok(ax_range_add_mmio(vm->vm, &range, NULL, &err), err);
	ck_ok(ax_observer_set(vm->vm, &matrix_observer, NULL, &err), err);
	ck_ok(ax_vm_run(vm->vm, &result, &err), err);
	ck_assert_uint_eq(result.end, AX_VM_END_HANDLER);
	code_close(vm);
}

static void run_guest(const char *name)
{
	const struct guest_variant variant = { .observer = &matrix_observer };
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	char why[1024];
	const struct embedded_guest *guest = embedded_guest_find(name);
	int ret;

	if (!guest) {
		matrix_cannot("there is no such guest");
		return;
	}
	ret = guest_open(&run, guest, &variant, &err);
	if (ret == -ENOTSUP) {
		matrix_cannot("%s", err.message);
		return;
	}
	ck_assert_msg(!ret, "guest %s: %d: %s", name, ret, err.message);
	ck_ok(guest_go(&run, &err), err);
	if (run.result.end == AX_MACHINE_CODE && run.result.code == AX_GUEST_CODE_LACKING) {
		matrix_cannot("the guest says that its CPU lacks it");
	} else if (!guest_ended_well(&run, why, sizeof(why))) {
		const char *excuse = guest_excuse(run.guest);

		ck_assert_msg(excuse != NULL, "%s", why);
		matrix_cannot("%s", excuse);
	}
	guest_close(&run);
}

START_TEST(scenario_runs_to_its_end)
{
	current = scenario_at((unsigned)_i);
	current_outcome = &outcomes[_i];
	if (current->run)
		current->run();
	else
		run_guest(current->name);
}
END_TEST

/*
 * 2. Words for it.
 */

static const char *exit_reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_ARM_NISV] = "ARM_NISV",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
		[KVM_EXIT_XEN] = "XEN",
		[KVM_EXIT_RISCV_SBI] = "RISCV_SBI",
		[KVM_EXIT_RISCV_CSR] = "RISCV_CSR",
		[KVM_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;
}

static const char *errno_word(uint32_t number)
{
	switch (number) {
	case EINTR: return "EINTR";
	case EAGAIN: return "EAGAIN";
	case EFAULT: return "EFAULT";
	case ENOSYS: return "ENOSYS";
	case EIO: return "EIO";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	default: return "another errno";
	}
}

static void print_raw(FILE *file, uint32_t raw)
{
	const char *name = exit_reason_name(raw);

	if (raw == MATRIX_RAW_PAGER)
		fprintf(file, "userfaultfd");
	else if (raw & MATRIX_RAW_ERRNO)
		fprintf(file, "errno %s", errno_word(raw & ~MATRIX_RAW_ERRNO));
	else
		fprintf(file, "%s (%" PRIu32 ")", name ? name : "KVM_EXIT", raw);
}

static int by_number(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void print_cell(FILE *file, const struct matrix_scenario *scenario, struct outcome *outcome)
{
	qsort(outcome->raws, outcome->count, sizeof(outcome->raws[0]), by_number);
	fprintf(file, "cell\t%s\t%s\t", ax_exit_name(scenario->kind), scenario->name);
	for (unsigned i = 0; i < outcome->count; i++) {
		if (i)
			fprintf(file, ", ");
		print_raw(file, outcome->raws[i]);
	}
	fprintf(file, "\t%s\n", scenario->route == MATRIX_OPT_IN ? "opt-in" : "native");
}

/* What the table says, or else the probe. */
static const char *why_empty(const AxProbe *probe, uint32_t kind)
{
	AxProbeExit probed = { .size = sizeof(probed) };
	const char *why = matrix_reason(kind);

	if (why)
		return why;
	if (ax_probe_exit(probe, kind, &probed) && !probed.possible)
		return probed.how;
	return kind == AX_EXIT_UNSUPPORTED ? "all that this KVM says has a name of its own"
					   : "it was not seen, for no known reason";
}

/* The cells of one row, or the reason why there are none. */
static void print_row(FILE *file, const AxProbe *probe, uint32_t kind)
{
	const struct matrix_scenario *scenario;
	bool empty = true;

	for (unsigned i = 0; (scenario = scenario_at(i)); i++) {
		if (scenario->kind != kind || !outcomes[i].count)
			continue;
		print_cell(file, scenario, &outcomes[i]);
		empty = false;
	}
	if (empty)
		fprintf(file, "empty\t%s\t%s\n", ax_exit_name(kind), why_empty(probe, kind));
}

static void print_why_not(void)
{
	const struct matrix_scenario *scenario;

	for (unsigned i = 0; (scenario = scenario_at(i)); i++) {
		if (outcomes[i].why_not[0] && !outcomes[i].count)
			kvm_say("not here: %s for %s: %s", scenario->name,
				ax_exit_name(scenario->kind), outcomes[i].why_not);
	}
}

/*
 * 3. The comparison.
 */

/* Whether a line is one of the text's. */
static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; (at = strstr(at, line)); at++) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	}
	return false;
}

static FILE *open_recorded(const char *platform)
{
	const char *top = getenv("srcdir");
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/matrix/%s", top ? top : ".", platform);
	return fopen(path, "r");
}

/* Why the scenario of a cell's line could not be tried on this host; NULL: it could. */
static const char *why_untried(const char *line)
{
	const struct matrix_scenario *scenario;
	char begin[256];

	for (unsigned i = 0; (scenario = scenario_at(i)); i++) {
		snprintf(begin, sizeof(begin), "cell\t%s\t%s\t", ax_exit_name(scenario->kind),
			 scenario->name);
		if (!strncmp(line, begin, strlen(begin)) && outcomes[i].why_not[0])
			return outcomes[i].why_not;
	}
	return NULL;
}

/* Where tests must not be lacking anything, as in continuous integration. */
static bool is_strict(void)
{
	const char *text = getenv("AXVMM_REQUIRE_KVM");

	return text && !strcmp(text, "1");
}

/* Returns how many recorded cells are not in @text. */
static unsigned compare(FILE *recorded, const char *text)
{
	unsigned missing = 0;
	char line[512];

	while (fgets(line, sizeof(line), recorded)) {
		size_t len = strcspn(line, "\n");
		const char *why;

		line[len] = 0;
		if (strncmp(line, "cell\t", 5) != 0 || has_line(text, line, len))
			continue;
		why = why_untried(line);
		if (why && !is_strict()) {
			kvm_skip("%s: %s", line, why);
			continue;
		}
		kvm_say("MISSING: %s", line);
		missing++;
	}
	return missing;
}

START_TEST(no_cell_that_was_filled_is_empty)
{
	AxError err = AX_ERROR_INIT;
	char platform[64], *text;
	AxProbe *probe;
	unsigned missing;
	FILE *file, *recorded;
	size_t size;

	snprintf(platform, sizeof(platform), "%s%s", AX_ARCH_NAME, matrix_variant());
	file = open_memstream(&text, &size);
	ck_assert(file != NULL);
	fprintf(file, "platform\t%s\n", platform);
	ck_ok(ax_probe_new(NULL, &probe, &err), err);
	for (uint32_t kind = 0; kind < AX_EXIT_KINDS; kind++)
		print_row(file, probe, kind);
	ax_probe_free(probe);
	fclose(file);
	fputs(text, stdout);
	fflush(stdout);
	print_why_not();

	recorded = open_recorded(platform);
	if (!recorded) {
		kvm_skip("no cells of %s are recorded in tests/matrix", platform);
		free(text);
		return;
	}
	missing = compare(recorded, text);
	fclose(recorded);
	free(text);
	ck_assert_msg(!missing, "%u cells of tests/matrix/%s did not come", missing, platform);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("matrix");
	TCase *scenarios = kvm_case(suite, "scenarios");
	TCase *cells = kvm_case(suite, "cells");
	unsigned count = 0;

	while (scenario_at(count))
		count++;
	outcomes = mmap(NULL, SCENARIOS_MAX * sizeof(*outcomes), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcomes == MAP_FAILED || count > SCENARIOS_MAX) {
		perror("matrix");
		return EXIT_FAILURE;
	}
	tcase_add_loop_test(scenarios, scenario_runs_to_its_end, 0, (int)count);
	tcase_add_test(cells, no_cell_that_was_filled_is_empty);
	return kvm_main(suite);
}
