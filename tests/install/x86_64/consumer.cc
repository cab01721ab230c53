/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of the installed package, in C++11, with libaxvmm-machine too: loads a flat image in protected
 * mode and answers its exits one by one. Ends with 77 where there is no KVM.
 */
#include <axvmm/axvmm.h>
#include <axvmm/boot.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace
{

const AxPort port = 0x80;

/* in $0x80, %eax; add $1, %eax; out %eax, $0x80; hlt */
const unsigned char guest[] = { 0xe5, 0x80, 0x83, 0xc0, 0x01, 0xe7, 0x80, 0xf4 };

struct NoKvm : std::runtime_error {
	using std::runtime_error::runtime_error;
};

/* A host failure, as an exception. */
int check(int ret, const AxError &err)
{
	if (ret >= 0)
		return ret;
	if (err.code == AX_ERROR_KVM_MISSING || err.code == AX_ERROR_KVM_PERMISSION)
		throw NoKvm(err.message);
	throw std::runtime_error(err.message);
}

struct Vm {
	AxVm *handle;

	explicit Vm(AxError &err) : handle(nullptr)
	{
		check(ax_vm_create(nullptr, &handle, &err), err);
	}
	~Vm()
	{
		ax_vm_destroy(handle);
	}
	Vm(const Vm &) = delete;
	Vm &operator=(const Vm &) = delete;
};

/* What the guest wrote to the port before it halted. */
uint64_t run()
{
	AxError err = AX_ERROR_INIT;
	AxImageSource source = AX_IMAGE_SOURCE_INIT;
	AxLoadOptions options = AX_LOAD_OPTIONS_INIT;
	AxBootRegisters registers = AX_BOOT_REGISTERS_INIT;
	AxVCpuSetup setup = AX_VCPU_SETUP_INIT;
	AxVCpuExitReason exit;
	AxVCpu *vcpu = nullptr;
	uint64_t written = 0;
	Vm vm(err);

	check(ax_ram_add(vm.handle, 0, 1 << 20, 0, &err), err);
	source.name = "consumer";
	source.bytes = guest;
	source.len = sizeof(guest);
	options.given = AX_HINT_MODE | AX_HINT_LOAD;
	options.mode = AX_MODE_PROTECTED;
	options.load = 0x1000;
	check(ax_image_load(vm.handle, &source, &options, &setup, &registers, &err), err);
	check(ax_vcpu_create(vm.handle, 0, &vcpu, &err), err);
	check(ax_boot_setup(vcpu, &setup, &registers, &err), err);
	check(ax_vcpu_bind(vcpu, AX_ANY_CPU, &err), err);

	for (;;) {
		check(ax_vcpu_run(vcpu, &exit, &err), err);
		switch (exit.kind) {
		case AX_EXIT_NOTHING:
			break;
		case AX_EXIT_IO_READ:
			if (exit.io_read.port != port)
				throw std::runtime_error("a read of another port");
			check(ax_vcpu_reply_read(vcpu, 0x11223343), err);
			break;
		case AX_EXIT_IO_WRITE:
			written = exit.io_write.data;
			break;
		case AX_EXIT_HALT:
			check(ax_vcpu_unbind(vcpu, &err), err);
			return written;
		default:
			throw std::runtime_error(std::string("ended by ") + ax_exit_name(exit.kind));
		}
	}
}

} // namespace

int main()
{
	try {
		uint64_t written = run();

		if (written != 0x11223344) {
			std::fprintf(stderr, "consumer: the guest wrote 0x%llx\n",
				     static_cast<unsigned long long>(written));
			return 1;
		}
		std::printf("axvmm %s: the guest added one and halted\n", ax_version());
		return 0;
	} catch (const NoKvm &reason) {
		std::printf("SKIP: no usable /dev/kvm: %s\n", reason.what());
		return 77;
	} catch (const std::exception &reason) {
		std::fprintf(stderr, "consumer: %s\n", reason.what());
		return 1;
	}
}
