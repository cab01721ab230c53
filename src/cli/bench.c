/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm bench: what exits, starts and guests cost on this host, beside the least that they can cost.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/number.h"

const char bench_help[] =
	"Usage: axvmm bench exits|start|memory|devices|smp [--json] [--seconds N]\n"
	"Measure what this host's KVM and axvmm cost, in rounds that take turns: the floor, which "
	"is\n"
	"a bare loop around KVM_RUN, and axvmm.\n"
	"\n"
	"  exits          nanoseconds of an MMIO write, from guest to handler and back\n"
	"  start          milliseconds from the command to a tiny guest's end\n"
	"  memory         private memory of a process whose guest has 128 MiB and spins\n"
	"  devices        the same as exits, with 1 to 10,000 devices written to in turn; what is "
	"saved\n"
	"                 where the guest need not wait, by an ioeventfd and by writes that KVM "
	"collects;\n"
	"                 and what an irqfd saves\n"
	"  smp            exits a second with several CPUs, each with a device of its own\n"
	"\n"
	"  --seconds N    how long (10)\n"
	"  --json         a JSON object instead of a table\n"
	"  --kvm PATH     the KVM device (/dev/kvm)\n"
	"  --help         this text\n";

#define DEFAULT_NS (10 * UINT64_C(1000000000))
#define MOST_NS	   (3600 * UINT64_C(1000000000))
/* Where the floor's median is this much above its minimum something else has had the host. */
#define NOISY 1.1

static const struct {
	const char *name, *unit, *what;
	int (*run)(struct bench *bench);
	bool more_is_better;
} benches[] = {
	{ "exits", "ns", "nanoseconds for each exit", bench_exits, false },
	{ "start", "ms", "milliseconds from start to end", bench_start, false },
	{ "memory", "KiB", "KiB of private dirty memory", bench_memory, false },
	{ "devices", "ns", "nanoseconds for each write, or interrupt", bench_devices, false },
	{ "smp", "exits/s", "exits a second, of all CPUs", bench_smp, true },
};

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_add(struct bench *bench, const char *format, ...)
{
	struct bench_row *row = &bench->rows[bench->row_count++];
	va_list args;

	va_start(args, format);
	vsnprintf(row->name, sizeof(row->name), format, args);
	va_end(args);
}

void bench_add_to(struct bench *bench, unsigned kind, unsigned reference, const char *name)
{
	struct bench_row *row = &bench->rows[bench->row_count];

	bench_add(bench, "%s", name);
	row->kind = kind;
	row->reference = reference;
}

void bench_lacks(struct bench *bench, const char *what)
{
	if (bench->lack_count < BENCH_LACKS)
		snprintf(bench->lacks[bench->lack_count++], sizeof(bench->lacks[0]), "%s", what);
}

int bench_rounds(struct bench *bench, bench_measure *measure)
{
	uint64_t end = bench_now() + bench->ns;

	while (bench->rounds < BENCH_ROUNDS && (!bench->rounds || bench_now() < end)) {
		for (unsigned i = 0; i < bench->row_count; i++) {
			int status = measure(bench, i, &bench->rows[i].samples[bench->rounds]);

			if (status)
				return status;
		}
		bench->rounds++;
	}
	return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

struct summary {
	double least, median, most;
	double ratio; /* of the median to that of the row's reference */
};

static struct summary summarize(struct bench *bench, unsigned index)
{
	double *samples = bench->rows[index].samples;
	double *reference = bench->rows[bench->rows[index].reference].samples;
	unsigned middle = bench->rounds / 2;

	/* The reference is summed up before, and so is sorted. */
	qsort(samples, bench->rounds, sizeof(*samples), by_value);
	return (struct summary){ samples[0], samples[middle], samples[bench->rounds - 1],
				 reference[middle] > 0 ? samples[middle] / reference[middle] : 0 };
}

static bool is_noisy(const struct summary *floor, bool more_is_better)
{
	if (more_is_better)
		return floor->most > floor->median * NOISY;
	return floor->median > floor->least * NOISY;
}

static void print_table(struct bench *bench)
{
	int digits = !strcmp(bench->unit, "ms") ? 2 : 0;
	bool noisy = false;

	printf("%10s %10s %10s %7s   %s; %u rounds in turn\n", "min", "median", "max", "ratio",
	       bench->what, bench->rounds);
	for (unsigned i = 0; i < bench->row_count; i++) {
		struct summary row = summarize(bench, i);

		if (!i)
			noisy = is_noisy(&row, bench->more_is_better);
		if (i && bench->rows[i].reference == i)
			printf("\n");
		printf("%10.*f %10.*f %10.*f %7.2f   %s\n", digits, row.least, digits, row.median,
		       digits, row.most, row.ratio, bench->rows[i].name);
	}
	for (unsigned i = 0; i < bench->lack_count; i++)
		printf("not measured: %s\n", bench->lacks[i]);
	if (noisy)
		printf("this host is busy with something else: even the first row differs much "
		       "from "
		       "round to round\n");
}

static void put_number(struct json *json, const char *key, double number)
{
	char text[40];

	snprintf(text, sizeof(text), "%.3f", number);
	json_key(json, key);
	json_raw(json, text);
}

static void flush_stdout(void *opaque, const char *bytes, size_t len)
{
	(void)opaque;
	fwrite(bytes, 1, len, stdout);
}

static void print_json(struct bench *bench)
{
	struct summary floor = summarize(bench, 0);
	struct json json;
	char buffer[1024];

	json_init(&json, buffer, sizeof(buffer), flush_stdout, NULL);
	json_open(&json, '{');
	json_key(&json, "bench");
	json_string(&json, bench->name);
	json_key(&json, "unit");
	json_string(&json, bench->unit);
	json_key(&json, "rounds");
	json_number(&json, bench->rounds);
	json_key(&json, "noisy");
	json_bool(&json, is_noisy(&floor, bench->more_is_better));
	json_key(&json, "rows");
	json_open(&json, '[');
	for (unsigned i = 0; i < bench->row_count; i++) {
		struct summary row = summarize(bench, i);

		json_open(&json, '{');
		json_key(&json, "name");
		json_string(&json, bench->rows[i].name);
		put_number(&json, "min", row.least);
		put_number(&json, "median", row.median);
		put_number(&json, "max", row.most);
		put_number(&json, "ratio", row.ratio);
		json_key(&json, "to");
		json_string(&json, bench->rows[bench->rows[i].reference].name);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_key(&json, "lacks");
	json_open(&json, '[');
	for (unsigned i = 0; i < bench->lack_count; i++)
		json_string(&json, bench->lacks[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	json_newline(&json);
	json_flush(&json);
}

/* Whether there is a KVM: what the benchmarks' parts would say less well. */
static int check_kvm(const char *kvm)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxError err = AX_ERROR_INIT;
	AxVm *vm = NULL;

	options.kvm_path = kvm;
	if (ax_vm_create(&options, &vm, &err))
		return cli_failure(NULL, &err);
	ax_vm_destroy(vm);
	return STATUS_OK;
}

static int measure(const char *name, bool as_json, const char *kvm, uint64_t ns)
{
	struct bench *bench;
	int status;

	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		if (strcmp(name, benches[i].name) != 0)
			continue;
		bench = calloc(1, sizeof(*bench));
		if (!bench) {
			cli_message("there is no memory left");
			return STATUS_HOST;
		}
		bench->name = benches[i].name;
		bench->unit = benches[i].unit;
		bench->what = benches[i].what;
		bench->more_is_better = benches[i].more_is_better;
		bench->kvm = kvm;
		bench->ns = ns;
		status = check_kvm(kvm);
		if (!status)
			status = benches[i].run(bench);
		if (!status && as_json)
			print_json(bench);
		else if (!status)
			print_table(bench);
		free(bench);
		return cli_finish_stdout(status);
	}
	return cli_usage("bench: there is no benchmark %s: exits, start, memory, devices, smp",
			 name);
}

int cmd_bench(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "seconds", required_argument, NULL, 's' },
		{ "kvm", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *kvm = "/dev/kvm";
	uint64_t ns = DEFAULT_NS;
	bool json = false;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j': json = true; break;
		case 'k': kvm = optarg; break;
		case 's':
			if (!parse_seconds(optarg, &ns) || ns > MOST_NS)
				return cli_usage("--seconds %s: no number of seconds up to 3600; "
						 "10 and 0.5 are some",
						 optarg);
			break;
		case 'h': fputs(bench_help, stdout); return cli_finish_stdout(STATUS_OK);
		default: return cli_bad_option("bench", option, argv, long_options);
		}
	}
	if (argc - optind != 1)
		return cli_usage("bench: one of exits, start, memory, devices and smp is expected");
	return measure(argv[optind], json, kvm, ns);
}
