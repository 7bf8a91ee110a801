//! An application of the operator's own that listens on one family alone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    kubectl,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
};

/// The Deployment and its Service.
const NAME: &str = "web";

/// How many pods it has.
const REPLICAS: usize = 2;

/// Runs a web server of the operator's, in a namespace of its own, whose configuration names one family
/// alone, behind a Service of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ListenerOneFamily {
    /// The family that it doesn't listen on.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl ListenerOneFamily {
    fn namespace(&self) -> String {
        format!("without-{}", self.family.to_string().to_lowercase())
    }

    /// Its Service, as `NAMESPACE/NAME`.
    pub fn service(&self) -> String {
        format!("{}/{NAME}", self.namespace())
    }

    fn objects(&self) -> Value {
        let listen = match self.family {
            Family::V6 => "8080",
            Family::V4 => "[::]:8080 ipv6only=on",
        };
        // Wherever it writes must be its own, for it needn't be root.
        let configuration = format!(
            "pid /tmp/nginx.pid; events {{}} http {{ access_log off; client_body_temp_path /tmp/a; \
             proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; \
             scgi_temp_path /tmp/e; server {{ listen {listen}; return 200 hello; }} }}"
        );
        let start = format!(
            "echo '{configuration}' >/tmp/nginx.conf; exec nginx -c /tmp/nginx.conf -g 'daemon off;'"
        );
        let namespace = self.namespace();
        let labels = json!({ "app": NAME });
        // A probe of the kubelet's would use the pod's first address, which may be of the other family.
        let ready =
            json!({ "exec": { "command": ["test", "-s", "/tmp/nginx.pid"] }, "periodSeconds": 1 });
        let server = json!({
            "name": "server",
            "image": "docker.io/library/nginx:1.27",
            "command": ["sh", "-c", start],
            "readinessProbe": ready,
        });
        let items = json!([
            { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": { "name": NAME, "namespace": namespace },
                "spec": {
                    "replicas": REPLICAS,
                    "selector": { "matchLabels": labels },
                    "template": {
                        "metadata": { "labels": labels },
                        "spec": { "terminationGracePeriodSeconds": 1, "containers": [server] },
                    },
                },
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": { "name": NAME, "namespace": namespace },
                "spec": {
                    "ipFamilyPolicy": "RequireDualStack",
                    "selector": labels,
                    "ports": [{ "port": 80, "targetPort": 8080 }],
                },
            },
        ]);
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }
}

impl FaultKind for ListenerOneFamily {
    const ABOUT: About = About {
        does: "an application of the operator's own, the Deployment and Service `web` in a namespace \
               `without-ipv6` (or `without-ipv4`), listens on the other family alone, and is Ready",
        limits: NEEDS_BOTH,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("the namespace {}", self.namespace())
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        (*path == Path::Application { family: self.family }).then_some(Outcome::Refused)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        let spec = &cluster.record().spec;
        if spec.pod_families().len() < 2 || spec.service_families().len() < 2 {
            let lacks = "the cluster has no Services or pods of both families";
            return Err(Error::Invalid(lacks.to_owned()));
        }
        Ok(())
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        cluster
            .kubectl()?
            .args(["apply", "-f", "-"])
            .feed("run an application", &self.objects().to_string())?;
        let what = format!("endpoints of both families of the Service {}", self.service());
        wait_for(&what, Duration::from_secs(60), String::new, || {
            let slices = kubectl::get(
                cluster,
                "read the EndpointSlices of an application",
                &["-n", &self.namespace(), "endpointslices"],
            )?;
            let ready = |slice: &Value| {
                let endpoints = slice.get("endpoints").and_then(Value::as_array);
                let all = endpoints.into_iter().flatten();
                let is_ready = |it: &&Value| it.pointer("/conditions/ready") == Some(&json!(true));
                all.filter(is_ready).count()
            };
            let counts: Vec<usize> = kubectl::items(&slices).map(ready).collect();
            Ok((counts == [REPLICAS; 2]).then_some(()))
        })
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let delete =
            ["delete", "namespace", &self.namespace(), "--ignore-not-found", "--wait=true"];
        kubectl::run(cluster, "delete an application", &delete).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_one_family_alone() {
        let started = |family| {
            let objects = ListenerOneFamily { family }.objects();
            let server = "/items/1/spec/template/spec/containers/0/command/2";
            objects.pointer(server).and_then(Value::as_str).map(str::to_owned).unwrap()
        };
        assert!(started(Family::V6).contains("listen 8080;"));
        assert!(started(Family::V4).contains("listen [::]:8080 ipv6only=on;"));
        assert_eq!(ListenerOneFamily { family: Family::V6 }.service(), "without-ipv6/web");
    }
}
