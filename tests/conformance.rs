//! The checks as tests, against the cluster that `DUALSTACK_KUBECONFIG` names.

fn main() -> std::process::ExitCode {
    dualstack::harness::main()
}
