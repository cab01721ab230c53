/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says in words: why, registers, machine, versions.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include <axvmm/axvmm.h>
#include <axvmm/probe.h>

#include "debug/crash.h"

void crash_put_string(struct crash_out *out, const char *text)
{
	crash_add(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			crash_add(out, "\\%c", c);
		else if (c < 0x20)
			crash_add(out, "\\u%04x", c);
		else
			crash_add(out, "%c", c);
	}
	crash_add(out, "\"");
}

int crash_write_report(AxVm *vm, const AxCrashReport *report, struct crash_out *out)
{
	char line[512];

	(void)vm;
	crash_add(out, "%s\n", report->why ? report->why : "the guest ended");
	if (report->exit) {
		ax_exit_format(report->exit, line, sizeof(line));
		crash_add(out, "%s\n", line);
		if (ax_exit_explain(report->exit, line, sizeof(line)))
			crash_add(out, "%s\n", line);
	}
	crash_add(out,
		  "\n"
		  "exits.jsonl    the last %d exits, the oldest first%s\n"
		  "registers      of all vCPUs\n"
		  "core           memory and registers, for gdb: gdb KERNEL core, or gdb -c core; "
		  "addresses\n"
		  "               are physical\n"
		  "machine.json   how it ended, memory, vCPUs, counts of exits, configuration\n"
		  "versions.json  axvmm, the host's kernel, its KVM\n",
		  AX_CRASH_EXITS, report->ring ? "" : " (none were kept)");
	return 0;
}

int crash_write_registers(AxVm *vm, struct crash_out *out)
{
	AxVCpu *vcpu;
	AxRegInfo info;

	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		crash_add(out, "vCPU %" PRIu32 " (%s)\n", ax_vcpu_id(vcpu),
			  ax_vcpu_state_name(ax_vcpu_state(vcpu)));
		for (unsigned reg = 0; ax_reg_info(reg, &info); reg++) {
			AxError err = AX_ERROR_INIT;
			uint64_t value;

			if (ax_vcpu_get_reg(vcpu, info.name, &value, &err))
				crash_add(out, "  %-16s %s\n", info.name, err.message);
			else
				crash_add(out, "  %-16s 0x%0*" PRIx64 "\n", info.name,
					  (int)(2 * info.bytes), value);
		}
	}
	return 0;
}

static void put_memory(AxVm *vm, struct crash_out *out)
{
	AxRamInfo ram;

	crash_add(out, "\"memory\":[");
	for (unsigned i = 0; ax_ram_info(vm, i, &ram); i++)
		crash_add(out,
			  "%s{\"base\":\"0x%" PRIx64 "\",\"size\":\"0x%" PRIx64
			  "\",\"readonly\":%s}",
			  i ? "," : "", ram.base, ram.size,
			  ram.flags & AX_RAM_READONLY ? "true" : "false");
	crash_add(out, "],\n");
}

static void put_vcpus(AxVm *vm, struct crash_out *out)
{
	AxVCpu *vcpu;

	crash_add(out, "\"vcpus\":[");
	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		uint64_t counts[AX_EXIT_KINDS];
		bool any = false;

		ax_vcpu_exit_counts(vcpu, counts);
		crash_add(out, "%s{\"id\":%" PRIu32 ",\"state\":\"%s\",\"exits\":{", i ? "," : "",
			  ax_vcpu_id(vcpu), ax_vcpu_state_name(ax_vcpu_state(vcpu)));
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
			if (!counts[kind])
				continue;
			crash_add(out, "%s\"%s\":%" PRIu64, any ? "," : "", ax_exit_name(kind),
				  counts[kind]);
			any = true;
		}
		crash_add(out, "}}");
	}
	crash_add(out, "],\n");
}

static void put_long(struct crash_out *out, const char *text)
{
	for (size_t left = strlen(text); left;) {
		int piece = left < 512 ? (int)left : 512;

		crash_add(out, "%.*s", piece, text);
		text += piece;
		left -= (size_t)piece;
	}
}

int crash_write_machine(AxVm *vm, const AxCrashReport *report, struct crash_out *out)
{
	char line[512];

	crash_add(out, "{\"architecture\":\"%s\",\n\"why\":", ax_arch_name());
	crash_put_string(out, report->why ? report->why : "");
	crash_add(out, ",\n\"vcpu\":%" PRIu32 ",\n\"exit\":", report->vcpu);
	if (report->exit) {
		ax_exit_format(report->exit, line, sizeof(line));
		crash_put_string(out, line);
	} else {
		crash_add(out, "null");
	}
	crash_add(out, ",\n");
	put_memory(vm, out);
	put_vcpus(vm, out);
	crash_add(out, "\"configuration\":");
	put_long(out, report->configuration ? report->configuration : "null");
	crash_add(out, "}\n");
	return 0;
}

static void put_capabilities(struct crash_out *out)
{
	AxProbeCapability capability = { .size = sizeof(capability) };
	AxProbe *probe;

	crash_add(out, "\"capabilities\":{");
	if (!ax_probe_new(NULL, &probe, NULL)) {
		for (unsigned i = 0; ax_probe_capability(probe, i, &capability); i++)
			crash_add(out, "%s\"%s\":%" PRId32, i ? "," : "", capability.name,
				  capability.value);
		ax_probe_free(probe);
	}
	crash_add(out, "}");
}

int crash_write_versions(struct crash_out *out)
{
	struct utsname host;

	if (uname(&host))
		return -errno;
	crash_add(out, "{\"axvmm\":\"%s\",\n\"kernel\":", ax_version());
	crash_put_string(out, host.release);
	crash_add(out, ",\n\"kernel_build\":");
	crash_put_string(out, host.version);
	crash_add(out, ",\n\"host\":");
	crash_put_string(out, host.machine);
	crash_add(out, ",\n\"kvm\":\"%s\",\n", ax_kvm_kind_name(ax_kvm_kind()));
	put_capabilities(out);
	crash_add(out, "}\n");
	return 0;
}
