"""Networks: PyTorch modules that give partial clusterings of encoded points an energy."""
