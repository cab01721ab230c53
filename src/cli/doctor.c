/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm doctor: what this host's KVM is and can do, and what to do about what is missing.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <axvmm/axvmm.h>
#include <axvmm/probe.h>

#include "cli/cli.h"
#include "cli/doctor-host.h"
#include "cli/json.h"
#include "cli/number.h"

const char doctor_help[] =
	"Usage: axvmm doctor [--json] [--kvm PATH]\n"
	"Say what this host's KVM can do, which exits can happen here, and what to do about what "
	"is missing.\n"
	"\n"
	"  --json      all of it, with every system register, as one JSON object\n"
	"  --kvm PATH  the KVM device (/dev/kvm)\n"
	"  --help      this text\n";

static const char *yes_or_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_host(const char *kvm_path)
{
	struct utsname system;
	long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
	char memory[NUMBER_TEXT_SIZE] = "?";

	if (pages > 0 && page_size > 0)
		format_size((uint64_t)pages * (uint64_t)page_size, memory);
	printf("axvmm %s, %s\n", ax_version(), ax_arch_name());
	printf("KVM      %s, API %d, %s\n", ax_kvm_kind_name(ax_kvm_kind()), AX_KVM_API_VERSION,
	       kvm_path);
	if (!uname(&system))
		printf("kernel   %s %s\n", system.sysname, system.release);
	printf("host     %ld CPUs, %s\n", sysconf(_SC_NPROCESSORS_ONLN), memory);
}

static void print_capabilities(const AxProbe *probe)
{
	AxProbeCapability capability = { .size = sizeof(capability) };

	puts("\ncapabilities");
	for (unsigned i = 0; ax_probe_capability(probe, i, &capability); i++) {
		const char *state = capability.works ? "yes" : capability.value ? "broken" : "no";

		printf("  %-7s%-20s%8" PRId32 "  %s\n", state, capability.name, capability.value,
		       capability.use);
		if (!capability.works && capability.without)
			printf("  %-7s%-20s%8s  without: %s\n", "", "", "", capability.without);
	}
}

static void print_exits(const AxProbe *probe)
{
	AxProbeExit exit = { .size = sizeof(exit) };

	puts("\nexits that can happen here");
	for (unsigned i = 0; ax_probe_exit(probe, i, &exit); i++)
		printf("  %-7s%-20s%s\n", yes_or_no(exit.possible), ax_exit_name(exit.kind),
		       exit.how);
}

static void print_kernel(const AxProbe *probe)
{
	AxProbeHost host = { .size = sizeof(host) };

	puts("\nthe host's kernel beside KVM");
	for (unsigned i = 0; ax_probe_host(probe, i, &host); i++) {
		printf("  %-7s%-20s%s\n", yes_or_no(host.works), host.name, host.use);
		if (host.without)
			printf("  %-7s%-20swithout: %s\n", "", "", host.without);
	}
}

static void print_parts(void)
{
	struct host_part part;

	puts("\nwhat devices use");
	for (unsigned i = 0; host_part(i, &part); i++) {
		printf("  %-7s%-20s%s\n", yes_or_no(part.works), part.name, part.use);
		if (*part.without)
			printf("  %-7s%-20swithout: %s\n", "", "", part.without);
	}
}

/* All are probed; those that do not work are worth a line. */
static void print_sys_regs(const AxProbe *probe)
{
	AxProbeSysReg reg = { .size = sizeof(reg) };
	unsigned listed = 0, good = 0;

	for (; ax_probe_sys_reg(probe, listed, &reg); listed++)
		good += reg.readable && reg.writable;
	printf("\nsystem registers\n  KVM lists %u; %u of them can be read and written back\n",
	       listed, good);
	for (unsigned i = 0; ax_probe_sys_reg(probe, i, &reg); i++) {
		if (reg.readable && reg.writable)
			continue;
		printf("  %-27s0x%08" PRIx64 "  %s\n",
		       reg.readable ? "cannot be written back" : "cannot be read", reg.addr,
		       reg.name ? reg.name : "");
	}
}

static void print_advice(const AxProbe *probe)
{
	struct host_part part;
	const char *advice;
	bool begun = false;

	for (unsigned i = 0; (advice = ax_probe_advice(probe, i)); i++) {
		printf("%s  %s\n", begun ? "" : "\nadvice\n", advice);
		begun = true;
	}
	for (unsigned i = 0; host_part(i, &part); i++) {
		if (!*part.advice)
			continue;
		printf("%s  %s\n", begun ? "" : "\nadvice\n", part.advice);
		begun = true;
	}
}

static void write_stdout(void *opaque, const char *bytes, size_t len)
{
	(void)opaque;
	fwrite(bytes, 1, len, stdout);
}

static void member_string(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

static void member_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

static void member_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

static void json_capabilities(struct json *json, const AxProbe *probe)
{
	AxProbeCapability capability = { .size = sizeof(capability) };

	json_key(json, "capabilities");
	json_open(json, '[');
	for (unsigned i = 0; ax_probe_capability(probe, i, &capability); i++) {
		json_open(json, '{');
		member_string(json, "name", capability.name);
		member_number(json, "number", capability.number);
		json_key(json, "value");
		json_signed(json, capability.value);
		member_bool(json, "works", capability.works);
		member_string(json, "use", capability.use);
		member_string(json, "without", capability.without);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_exits(struct json *json, const AxProbe *probe)
{
	AxProbeExit exit = { .size = sizeof(exit) };

	json_key(json, "exits");
	json_open(json, '[');
	for (unsigned i = 0; ax_probe_exit(probe, i, &exit); i++) {
		json_open(json, '{');
		member_string(json, "name", ax_exit_name(exit.kind));
		member_bool(json, "possible", exit.possible);
		member_string(json, "how", exit.how);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_one_part(struct json *json, const char *name, bool works, const char *use,
			  const char *without)
{
	json_open(json, '{');
	member_string(json, "name", name);
	member_bool(json, "works", works);
	member_string(json, "use", use);
	member_string(json, "without", without);
	json_close(json, '}');
}

static void json_kernel(struct json *json, const AxProbe *probe)
{
	AxProbeHost host = { .size = sizeof(host) };
	struct host_part part;

	json_key(json, "host");
	json_open(json, '[');
	for (unsigned i = 0; ax_probe_host(probe, i, &host); i++)
		json_one_part(json, host.name, host.works, host.use, host.without);
	for (unsigned i = 0; host_part(i, &part); i++)
		json_one_part(json, part.name, part.works, part.use,
			      *part.without ? part.without : NULL);
	json_close(json, ']');
}

static void json_sys_regs(struct json *json, const AxProbe *probe)
{
	AxProbeSysReg reg = { .size = sizeof(reg) };

	json_key(json, "system_registers");
	json_open(json, '[');
	for (unsigned i = 0; ax_probe_sys_reg(probe, i, &reg); i++) {
		json_open(json, '{');
		json_key(json, "addr");
		json_hex(json, reg.addr);
		member_string(json, "name", reg.name);
		member_bool(json, "readable", reg.readable);
		member_bool(json, "writable", reg.writable);
		json_key(json, "value");
		if (reg.readable)
			json_hex(json, reg.value);
		else
			json_string(json, NULL);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_head(struct json *json, const char *kvm_path, const AxError *err)
{
	struct utsname system;

	json_open(json, '{');
	member_string(json, "axvmm", ax_version());
	member_string(json, "architecture", ax_arch_name());
	member_string(json, "kvm_path", kvm_path);
	member_bool(json, "usable", !err);
	member_string(json, "error", err ? ax_error_name((AxErrorCode)err->code) : NULL);
	member_string(json, "message", err ? err->message : NULL);
	/* Both are what the device says, by its being usable: null where it was not opened. */
	member_string(json, "kvm", err ? NULL : ax_kvm_kind_name(ax_kvm_kind()));
	json_key(json, "api");
	if (err)
		json_string(json, NULL);
	else
		json_number(json, AX_KVM_API_VERSION);
	member_string(json, "kernel", uname(&system) ? NULL : system.release);
	json_key(json, "cpus");
	json_signed(json, sysconf(_SC_NPROCESSORS_ONLN));
}

/* @probe: NULL when there is none, for the reason in @err. */
static void report_json(const char *kvm_path, const AxProbe *probe, const AxError *err)
{
	struct host_part part;
	const char *advice;
	struct json json;
	char buffer[512];

	json_init(&json, buffer, sizeof(buffer), write_stdout, NULL);
	json_head(&json, kvm_path, probe ? NULL : err);
	if (probe) {
		json_capabilities(&json, probe);
		json_exits(&json, probe);
		json_kernel(&json, probe);
		json_sys_regs(&json, probe);
		json_key(&json, "advice");
		json_open(&json, '[');
		for (unsigned i = 0; (advice = ax_probe_advice(probe, i)); i++)
			json_string(&json, advice);
		for (unsigned i = 0; host_part(i, &part); i++) {
			if (*part.advice)
				json_string(&json, part.advice);
		}
		json_close(&json, ']');
	}
	json_close(&json, '}');
	json_newline(&json);
	json_flush(&json);
}

static void report_text(const char *kvm_path, const AxProbe *probe)
{
	print_host(kvm_path);
	print_capabilities(probe);
	print_exits(probe);
	print_kernel(probe);
	print_parts();
	print_sys_regs(probe);
	print_advice(probe);
}

static int examine(const char *kvm_path, bool json)
{
	AxError err = AX_ERROR_INIT;
	AxProbe *probe = NULL;
	int status = STATUS_OK;

	if (ax_probe_new(kvm_path, &probe, &err))
		status = cli_failure(NULL, &err);
	if (json)
		report_json(kvm_path, probe, &err);
	else if (probe)
		report_text(kvm_path, probe);
	ax_probe_free(probe);
	return cli_finish_stdout(status);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "kvm", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *kvm_path = "/dev/kvm";
	bool json = false;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j': json = true; break;
		case 'k': kvm_path = optarg; break;
		case 'h': fputs(doctor_help, stdout); return cli_finish_stdout(STATUS_OK);
		default: return cli_bad_option("doctor", option, argv, long_options);
		}
	}
	if (optind < argc)
		return cli_usage("doctor: %s: no argument is expected", argv[optind]);
	return examine(kvm_path, json);
}
