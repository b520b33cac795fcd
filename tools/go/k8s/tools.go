//go:build tools

// Package tools pins Kubernetes: here kubectl, which checks the documentation's commands.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kubectl"
)
