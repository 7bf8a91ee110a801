//! Ingress controllers that are told not to listen in a family.

use crate::{
    lint::{
        model::Listener,
        source::Spanned,
        tree::{Node, Value},
    },
    net::IpFamily,
};

use super::Lower;

/// Flags by which a controller leaves out a family: those of HAProxy's and of NGINX Inc.'s.
const FLAGS: [(&str, IpFamily); 2] =
    [("disable-ipv4", IpFamily::V4), ("disable-ipv6", IpFamily::V6)];

/// Whether a name is that of an ingress controller.
fn is_ingress(name: &str) -> bool {
    ["ingress", "nginx", "haproxy"].iter().any(|word| name.contains(word))
}

impl Lower<'_> {
    /// The ConfigMap of ingress-nginx, by its name.
    pub(super) fn ingress_config(&mut self, name: Option<&str>, data: &Node) -> bool {
        name.is_some_and(is_ingress) && self.listener(data.get("disable-ipv6"), IpFamily::V6)
    }

    /// The values of the charts of ingress-nginx, of NGINX Inc. and of HAProxy Technologies.
    pub(super) fn ingress_values(&mut self, values: &Node) -> bool {
        let Some(controller) = values.get("controller") else { return false };
        let mut known = self.listener(controller.at(&["config", "disable-ipv6"]), IpFamily::V6);
        known |= self.listener(controller.get("disableIPV6"), IpFamily::V6);
        known | self.ingress_flags(controller.get("extraArgs"))
    }

    /// A container of such a controller, by its image.
    pub(super) fn ingress_controller(&mut self, container: &Node) -> bool {
        let image = container.get("image").and_then(Node::str).unwrap_or_default();
        is_ingress(image)
            && (self.ingress_flags(container.get("args"))
                | self.ingress_flags(container.get("command")))
    }

    fn ingress_flags(&mut self, words: Option<&Node>) -> bool {
        let words = words.filter(|node| matches!(node.value, Value::List(_)));
        let words = words.map(Node::items).unwrap_or_default().iter().filter_map(Node::text);
        let mut known = false;
        for word in words {
            let flag = word.value.trim_start_matches('-');
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            let family = FLAGS.iter().find(|(own, _)| *own == name && flag != word.value);
            if let Some((_, family)) = family {
                let off = word.with(value.to_owned());
                self.model.listeners.push(Listener { family: *family, off });
                known = true;
            }
        }
        known
    }

    fn listener(&mut self, node: Option<&Node>, family: IpFamily) -> bool {
        let off: Option<Spanned<String>> = node.and_then(Node::text);
        let known = off.is_some();
        self.model.listeners.extend(off.map(|off| Listener { family, off }));
        known
    }
}
