"""Commands on the boot: boot lists and images, and stopping the running system."""
