"""The methods that NCP and GFNCP are compared with, behind the same interface."""
