/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm run: boot an image, or an embedded guest.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/session.h"

const char run_help[] =
	"Usage: axvmm run [OPTION]... [IMAGE]\n"
	"Boot IMAGE: an ELF file, a multiboot kernel (x86-64), a kernel with Linux's header "
	"(arm64,\n"
	"riscv64) or a flat binary. Without one a demonstration runs.\n"
	"\n"
	"  --mode real|protected|long  processor mode in which a flat binary begins\n"
	"  --load ADDR                 where a flat binary goes, and where it begins\n"
	"  --memory SIZE               of the guest: 64M, 1G, ... (128M)\n"
	"  --cpus N                    how many (1)\n"
	"  --cmdline TEXT              command line for a multiboot kernel, or in the device tree\n"
	"  --initrd FILE               module for a multiboot kernel (may be repeated), or initial "
	"RAM disk\n"
	"  --irqchip none|kernel|user  who delivers interrupts; the manual says what each is\n"
	"  --power auto|kernel|user    who starts and stops CPUs (auto)\n"
	"  --unclaimed ones|warn|stop  what an access does that no device claims (ones)\n"
	"  --guest NAME                run an embedded guest instead: see \"axvmm guests\"\n"
	"  --no-cpuid                  give the guest an empty CPUID, which starts it sooner\n"
	"  --stats                     say at the end what the exits cost\n"
	"  --trace FILE                write every exit and its answer to FILE, as JSON lines\n"
	"  --timeout SECONDS           end the guest after this time\n"
	"  --kvm PATH                  the KVM device (/dev/kvm)\n"
	"  --help                      this text\n"
	"\n"
	"On a terminal: Ctrl-A x quits, Ctrl-A a sends Ctrl-A, Ctrl-A h helps; all else goes to "
	"the guest.\n"
	"\n"
	"Exit status: the guest's own code (0 to 127, but not 3); 3 KVM cannot be used; 128+n "
	"signal n;\n"
	"200 usage; 201 host failure; 202 reset; 203 triple fault; 204 KVM internal error; 205 "
	"failed entry;\n"
	"206 guest assertion; 207 exit that nobody handles; 208 guest crash; 209 suspend; 210 "
	"another code of\n"
	"the guest's; 211 timeout; 212 Ctrl-A x.\n";

int cmd_run(int argc, char **argv)
{
	struct run_options options;
	bool help;
	int status = options_parse(argc, argv, &options, &help);

	if (status)
		return status;
	if (help) {
		fputs(run_help, stdout);
		return cli_finish_stdout(STATUS_OK);
	}
	return session_run(&options);
}
