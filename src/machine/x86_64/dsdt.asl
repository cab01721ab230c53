/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an x86-64 guest is told of its devices: the Differentiated System Description Table. iasl compiles
 * it when the project is built; acpi.c puts the number of slots in use into SLOT. Names of devices are
 * those of QEMU's board microvm, which has the same ones.
 *
 * Source: ACPI 6.4, chapters 5.6.9 (Generic Event Device), 7.4.2 (_S5) and 19 (the language).
 */
DefinitionBlock ("dsdt.aml", "DSDT", 2, "AXVMM", "AXVMMDSD", 0x00000001)
{
	/* A bit for each virtio slot that has a device. The value here is a mark by which acpi.c finds it. */
	Name (SLOT, 0x534C4F54)

	/* SLP_TYP of power-off, for the sleep control register. */
	Name (\_S5, Package () { 5, 0, 0, 0 })

	Scope (\_SB)
	{
		/* The console. */
		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
			})
		}

		/* The clock: no alarm, so no interrupt. */
		Device (RTC)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
			})
		}

		/* The power button, which is pressed through the event device below. */
		Device (PWRB)
		{
			Name (_HID, EisaId ("PNP0C0C"))
			Name (_UID, 0)
		}

		Device (GED)
		{
			Name (_HID, "ACPI0013")
			Name (_UID, "GED")
			Name (_CRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 9 }
			})
			/* Reading it clears it. */
			OperationRegion (EREG, SystemMemory, 0xFEA00000, 0x04)
			Field (EREG, DWordAcc, NoLock, WriteAsZeros)
			{
				ESEL, 32
			}
			Method (_EVT, 1, Serialized)
			{
				Local0 = ESEL
				If (Local0 & 1)
				{
					Notify (\_SB.PWRB, 0x80)
				}
			}
		}

		/* Slots of virtio over MMIO; those without a device are not there. */
		Method (PRES, 1, NotSerialized)
		{
			If (SLOT & (1 << Arg0))
			{
				Return (0x0F)
			}
			Return (0)
		}

		Device (VR00)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 0)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (0))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00000, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 16 }
			})
		}

		Device (VR01)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 1)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (1))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00200, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 17 }
			})
		}

		Device (VR02)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 2)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (2))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00400, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 18 }
			})
		}

		Device (VR03)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 3)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (3))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00600, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 19 }
			})
		}

		Device (VR04)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 4)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (4))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00800, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 20 }
			})
		}

		Device (VR05)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 5)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (5))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00A00, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 21 }
			})
		}

		Device (VR06)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 6)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (6))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00C00, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 22 }
			})
		}

		Device (VR07)
		{
			Name (_HID, "LNRO0005")
			Name (_UID, 7)
			Name (_CCA, 1)
			Method (_STA, 0, NotSerialized)
			{
				Return (PRES (7))
			}
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xFEB00E00, 0x00000200)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 23 }
			})
		}
	}
}
