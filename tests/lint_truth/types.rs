//! The field tables against the types that the components decode into: their Go sources, of the
//! release that the testbed builds. A field that a table lacks, has too many or gives another type
//! fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use testbed::components::{default_minor, release};

use super::binaries::{skip, text};

/// The last release of Kubernetes with kubeadm's v1beta2.
const LAST_WITH_V1BETA2: &str = "v1.26.15";
/// The release of kind that its declarations are about.
const KIND: &str = "v0.30.0";

/// A table and the Go packages that declare its types, as module, version and path.
struct Declared {
    name: &'static str,
    table: &'static str,
    packages: Vec<(&'static str, String, &'static str)>,
}

fn tables() -> Vec<Declared> {
    let current = release(default_minor()).unwrap().kubernetes.to_string();
    // The staging modules of v1.36.3 are v0.36.3.
    let staging = current.replacen("v1.", "v0.", 1);
    let kubeadm = |version: &str, package| {
        let tokens = "cmd/kubeadm/app/apis/bootstraptoken/v1";
        let module = "k8s.io/kubernetes";
        vec![
            ("k8s.io/api", staging.clone(), "core/v1"),
            (module, version.to_owned(), tokens),
            (module, version.to_owned(), package),
        ]
    };
    vec![
        Declared {
            name: "kubeadm_v1beta2",
            table: include_str!("../../src/lint/schema/kubeadm_v1beta2.fields"),
            packages: kubeadm(LAST_WITH_V1BETA2, "cmd/kubeadm/app/apis/kubeadm/v1beta2"),
        },
        Declared {
            name: "kubeadm_v1beta3",
            table: include_str!("../../src/lint/schema/kubeadm_v1beta3.fields"),
            packages: kubeadm(&current, "cmd/kubeadm/app/apis/kubeadm/v1beta3"),
        },
        Declared {
            name: "kubeadm_v1beta4",
            table: include_str!("../../src/lint/schema/kubeadm_v1beta4.fields"),
            packages: kubeadm(&current, "cmd/kubeadm/app/apis/kubeadm/v1beta4"),
        },
        Declared {
            name: "kubelet",
            table: include_str!("../../src/lint/schema/kubelet.fields"),
            packages: vec![("k8s.io/kubelet", staging.clone(), "config/v1beta1")],
        },
        Declared {
            name: "kube_proxy",
            table: include_str!("../../src/lint/schema/kube_proxy.fields"),
            packages: vec![
                ("k8s.io/kube-proxy", staging.clone(), "config/v1alpha1"),
                ("k8s.io/component-base", staging.clone(), "config/v1alpha1"),
            ],
        },
        Declared {
            name: "kind",
            table: include_str!("../../src/lint/schema/kind.fields"),
            packages: vec![("sigs.k8s.io/kind", KIND.into(), "pkg/apis/config/v1alpha4")],
        },
        Declared {
            name: "service",
            table: include_str!("../../src/lint/schema/service.fields"),
            packages: vec![("k8s.io/api", staging.clone(), "core/v1")],
        },
    ]
}

/// A type's fields by the names that documents give them, each with its Go type.
type Fields = BTreeMap<String, String>;

/// Go types that are written as strings.
const STRINGS: [&str; 3] = ["string", "metav1.Duration", "BootstrapTokenString"];

/// What some Go packages declare; of types of one name the last one counts.
#[derive(Default)]
struct Types {
    structs: BTreeMap<String, Fields>,
    /// Types that are another one by another name, such as `type IPFamily string`.
    aliases: BTreeMap<String, String>,
    /// Structs whose fields belong to another one, by the name of the latter.
    inlined: Vec<(String, String)>,
}

impl Types {
    fn read(&mut self, package: &Path) {
        for entry in fs::read_dir(package).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".go") && !name.ends_with("_test.go") && !name.starts_with("zz_") {
                self.source(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn source(&mut self, text: &str) {
        let mut open: Option<String> = None;
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (&open, &words[..]) {
                (None, ["type", name, "struct", "{"]) => {
                    self.structs.insert((*name).to_owned(), Fields::new());
                    self.inlined.retain(|(owner, _)| owner != name);
                    open = Some((*name).to_owned());
                }
                (None, ["type", name, of]) => {
                    self.aliases.insert((*name).to_owned(), (*of).to_owned());
                }
                (Some(_), ["}"]) if line.starts_with('}') => open = None,
                (Some(owner), [field, rest @ ..]) if !field.starts_with("//") => {
                    let owner = owner.clone();
                    self.field(&owner, field, rest, line);
                }
                _ => {}
            }
        }
    }

    fn field(&mut self, owner: &str, name: &str, rest: &[&str], line: &str) {
        let tag = |key: &str| {
            let (_, tag) = line.split_once(&format!("{key}:\""))?;
            Some(tag.split(['"', ',']).next().unwrap_or_default().to_owned())
        };
        let Some(key) = tag("json").or_else(|| tag("yaml")) else { return };
        if key.is_empty() {
            self.inlined.push((owner.to_owned(), name.to_owned()));
        } else if key != "-"
            && let (Some(of), Some(fields)) = (rest.first(), self.structs.get_mut(owner))
        {
            fields.insert(key, (*of).to_owned());
        }
    }

    /// A struct's fields, those of the structs inside it included.
    fn fields(&self, name: &str) -> Option<Fields> {
        let mut fields = self.structs.get(name)?.clone();
        for (_, inner) in self.inlined.iter().filter(|(owner, _)| owner == name) {
            match self.fields(bare(inner)) {
                Some(inner) => fields.extend(inner),
                None if bare(inner) == "TypeMeta" => {
                    let key = |key: &str| (key.to_owned(), "string".to_owned());
                    fields.extend([key("apiVersion"), key("kind")]);
                }
                None => panic!("{name} contains {inner}, which was not found"),
            }
        }
        Some(fields)
    }

    /// Whether a table's word for a type says the same as a Go type.
    fn agrees(&self, word: &str, of: &str) -> bool {
        let of = of.trim_start_matches('*');
        let (list, map) = (of.strip_prefix("[]"), of.strip_prefix("map[string]"));
        match (word, word.split_once(':')) {
            ("any", _) => true,
            // Each version of kubeadm has one of the two; a rule of its own tells them apart.
            ("args", _) => map == Some("string") || list == Some("Arg"),
            (_, Some(("list", item))) => list.is_some_and(|of| self.agrees(item, of)),
            (_, Some(("map", item))) => map.is_some_and(|of| self.agrees(item, of)),
            ("bool", _) => of == "bool",
            ("int", _) => {
                matches!(of, "int" | "int32" | "int64" | "uint32") || self.alias(word, of)
            }
            ("string", _) => STRINGS.contains(&of) || self.alias(word, of),
            (name, _) => name == bare(of) && self.structs.contains_key(name),
        }
    }

    fn alias(&self, word: &str, of: &str) -> bool {
        self.aliases.get(bare(of)).is_some_and(|of| self.agrees(word, of))
    }
}

/// A type's name without its package.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The types of a table with the names and the words of their fields.
fn parse(table: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut types: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut last = "";
    for line in table.lines() {
        match line.strip_prefix("  ").and_then(|field| field.split_once(' ')) {
            Some((field, word)) => {
                types.get_mut(last).unwrap().insert(field, word);
            }
            None => {
                last = line;
                types.insert(line, BTreeMap::new());
            }
        }
    }
    types
}

/// What a table says differently than the types.
fn differences(table: &str, types: &Types) -> String {
    let mut out = String::new();
    for (name, fields) in parse(table) {
        let Some(declared) = types.fields(name) else {
            let _ = writeln!(out, "{name}: not declared");
            continue;
        };
        let ours: BTreeSet<&str> = fields.keys().copied().collect();
        let theirs: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
        for field in theirs.difference(&ours) {
            let _ = writeln!(out, "{name}.{field}: missing ({})", declared[*field]);
        }
        for field in ours.difference(&theirs) {
            let _ = writeln!(out, "{name}.{field}: one too many");
        }
        for field in ours.intersection(&theirs) {
            let (word, of) = (fields[field], declared[*field].as_str());
            if !types.agrees(word, of) {
                let _ = writeln!(out, "{name}.{field}: {word} here, {of} there");
            }
        }
    }
    out
}

/// The sources of a Go module; nothing where they can't be had here.
fn module(path: &str, version: &str) -> Option<PathBuf> {
    download(path, version).inspect_err(|why| skip(why)).ok()
}

/// The sources of a Go module, or why they can't be had here.
fn download(path: &str, version: &str) -> Result<PathBuf, String> {
    let wanted = format!("{path}@{version}");
    let output = Command::new("go").args(["mod", "download", "-json", &wanted]).output();
    match output {
        Ok(output) if output.status.success() => {
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            Ok(PathBuf::from(found["Dir"].as_str().unwrap()))
        }
        Ok(output) => Err(format!("{wanted} could not be downloaded: {}", text(&output))),
        Err(error) => Err(format!("{wanted} can't be downloaded without Go: {error}")),
    }
}

#[test]
fn the_field_tables_are_the_types_that_the_components_decode_into() {
    let mut wrong = String::new();
    for Declared { name, table, packages } in tables() {
        let mut types = Types::default();
        for (path, version, package) in packages {
            let Some(directory) = module(path, &version) else { return };
            let package = directory.join(package);
            // Older releases declare the tokens with kubeadm's other types.
            if package.is_dir() {
                types.read(&package);
            }
        }
        let found = differences(table, &types);
        if !found.is_empty() {
            let _ = writeln!(wrong, "{name}:\n{found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A Go module of Kubernetes' and a package of it.
type Package = (&'static str, &'static str);

/// The minor versions of which `since.fields` is made.
const SINCE: RangeInclusive<u32> = 19..=35;

/// Which fields of a table came after 1.19, and in which minor version; or why the sources of one of so many
/// releases can't be had here.
fn since(name: &str, table: &str, packages: &[Package]) -> Result<String, String> {
    let mut first: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for minor in SINCE {
        let mut types = Types::default();
        for (path, package) in packages {
            // Go's checksum database lacks kube-proxy v0.27.0.
            let patch = u32::from(minor == 27 && path.ends_with("kube-proxy"));
            let directory = download(path, &format!("v0.{minor}.{patch}"))?.join(package);
            types.read(&directory);
        }
        for (of, fields) in parse(table) {
            let declared = types.fields(of).unwrap_or_default();
            for field in fields.keys().filter(|field| declared.contains_key(**field)) {
                first.entry((of, *field)).or_insert(minor);
            }
        }
    }
    let mut out = String::new();
    for (of, fields) in parse(table) {
        for field in fields.keys() {
            let minor = first.get(&(of, *field)).copied().unwrap_or(SINCE.end() + 1);
            if minor > *SINCE.start() {
                let _ = writeln!(out, "{name} {of}.{field} {minor}");
            }
        }
    }
    Ok(out)
}

#[test]
fn fields_exist_since_the_versions_that_are_listed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/schema/since.fields");
    let listed = fs::read_to_string(path).unwrap();
    let mut made = String::new();
    let base = ("k8s.io/component-base", "config/v1alpha1");
    let tables: [(&str, &str, &[Package]); 2] = [
        (
            "kubelet",
            include_str!("../../src/lint/schema/kubelet.fields"),
            &[("k8s.io/kubelet", "config/v1beta1")],
        ),
        (
            "kube_proxy",
            include_str!("../../src/lint/schema/kube_proxy.fields"),
            &[base, ("k8s.io/kube-proxy", "config/v1alpha1")],
        ),
    ];
    for (name, table, packages) in tables {
        match since(name, table, packages) {
            Ok(part) => made.push_str(&part),
            // A registry need not keep what is years old; the newest release is required elsewhere.
            Err(why) => return eprintln!("SKIPPED: {why}"),
        }
    }
    // Services are held against the API servers themselves.
    let own = listed.lines().filter(|line| !line.starts_with("service "));
    let own: String = own.map(|line| format!("{line}\n")).collect();
    assert_eq!(own, made, "src/lint/schema/since.fields is to hold this");
}

#[test]
fn a_field_missing_or_too_many_or_of_another_type_is_seen() {
    let mut types = Types::default();
    types.source(
        "type Family string\ntype Base struct {\n\t// Name of it.\n\tName string `json:\"name\"`\n}\n\
         type Whole struct {\n\tmetav1.TypeMeta `json:\",inline\"`\n\tBase `json:\",inline\"`\n\
         \tFamilies []Family `json:\"families,omitempty\"`\n\tMost *int32 `json:\"most\"`\n}\n",
    );
    let table = "Whole\n  apiVersion string\n  families list:string\n  kind string\n  most int\n  \
                 name string\n";
    assert_eq!(differences(table, &types), "");
    let changed = table.replace("most int", "most bool").replace("name", "named");
    assert_eq!(
        differences(&changed, &types),
        "Whole.name: missing (string)\nWhole.named: one too many\nWhole.most: bool here, *int32 \
         there\n"
    );
}
