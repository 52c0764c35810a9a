//! The module graph of `src`, read from its syntax trees: which file's code names something of which
//! other file. Use trees, `super::`, paths inside code and macros, and re-exports all count; code
//! under `#[cfg(test)]` does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, VisRestricted, Visibility};

/// A module by its path from the crate's root; the root itself is empty.
pub(super) type Module = Vec<String>;

/// Which modules each module names.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) edges: BTreeMap<Module, BTreeSet<Module>>,
}

/// What one file says.
#[derive(Debug, Default)]
struct File {
    /// Paths that its code names, absolute.
    named: BTreeSet<Module>,
    /// What it hands on under a name of its own: name, and the absolute path behind it.
    exports: BTreeMap<String, Module>,
    /// Modules in files of their own that only tests have.
    for_tests: BTreeSet<Module>,
}

impl Graph {
    /// Of every file below `src`, which are read once.
    pub(super) fn of_sources() -> &'static Self {
        static GRAPH: LazyLock<Graph> = LazyLock::new(Graph::read);
        &GRAPH
    }

    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        read_folder(&src, &src, &mut files);
        let for_tests: Vec<_> = files
            .values()
            .flat_map(|file| file.for_tests.clone())
            .collect();
        files.retain(|module, _| !for_tests.iter().any(|test| module.starts_with(test)));
        Self::of(&files)
    }

    /// Reads files given as their module paths and their code.
    #[cfg(test)]
    pub(super) fn of_code(code: &[(&str, &str)]) -> Self {
        let files = code.iter().map(|(path, code)| {
            let module: Module = segments(path);
            let file = File::read(&module, code);
            (module, file)
        });
        Self::of(&files.collect())
    }

    fn of(files: &BTreeMap<Module, File>) -> Self {
        let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, file) in files {
            let targets = file.named.iter().filter_map(|path| resolve(path, files));
            let targets = targets.filter(|target| target != module);
            edges.entry(module.clone()).or_default().extend(targets);
        }
        Self { edges }
    }

    /// The circles of the graph that are more than a parent and its own children.
    pub(super) fn circles(&self) -> Vec<Vec<String>> {
        let modules: Vec<_> = self.edges.keys().collect();
        // By number: names take a minute to compare.
        let numbers: BTreeMap<_, _> = modules.iter().copied().zip(0..).collect();
        let edges = self.edges.values().map(|targets| {
            let known = targets.iter().filter_map(|target| numbers.get(target));
            known.copied().collect::<Vec<usize>>()
        });
        let edges: Vec<_> = edges.collect();
        let reached: Vec<_> = (0..edges.len())
            .map(|from| reachable(&edges, from))
            .collect();
        let mut circles = Vec::new();
        let mut seen = BTreeSet::new();
        for (number, forth) in reached.iter().enumerate() {
            if seen.contains(&number) {
                continue;
            }
            let others = (0..edges.len()).filter(|other| forth[*other] && reached[*other][number]);
            let circle: Vec<_> = others.collect();
            let named: BTreeSet<_> = circle.iter().map(|other| modules[*other]).collect();
            if circle.len() > 1 && !is_family(&named) {
                circles.push(named.iter().map(|module| module.join("::")).collect());
            }
            seen.extend(circle);
        }
        circles
    }
}

/// Which modules a module reaches, by their numbers.
fn reachable(edges: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in &edges[module] {
            if !std::mem::replace(&mut reached[*next], true) {
                open.push(*next);
            }
        }
    }
    reached
}

/// Whether these modules are one parent and its direct children.
fn is_family(modules: &BTreeSet<&Module>) -> bool {
    let Some(parent) = modules.iter().min_by_key(|module| module.len()) else {
        return true;
    };
    modules
        .iter()
        .all(|module| module == parent || module[..module.len() - 1] == parent[..])
}

fn read_folder(src: &Path, folder: &Path, files: &mut BTreeMap<Module, File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(src, &path, files);
            continue;
        }
        let relative = path.strip_prefix(src).unwrap().with_extension("");
        let mut module: Module = relative
            .components()
            .map(|part| part.as_os_str().to_str().unwrap().to_owned())
            .collect();
        let is_test = module
            .iter()
            .any(|part| matches!(part.as_str(), "tests" | "testing" | "round_trip"));
        if path.extension().is_none_or(|extension| extension != "rs") || is_test {
            continue;
        }
        let name = module.last().map(String::as_str);
        if matches!(name, Some("mod" | "lib")) {
            module.pop();
        }
        let code = fs::read_to_string(&path).unwrap();
        files.insert(module.clone(), File::read(&module, &code));
    }
}

impl File {
    fn read(module: &Module, code: &str) -> Self {
        let mut file = Self::default();
        let mut reader = Reader {
            module: module.clone(),
            file: &mut file,
        };
        reader.visit_file(&syn::parse_file(code).unwrap());
        file
    }
}

/// Walks one file's syntax tree.
struct Reader<'a> {
    /// The module at hand: the file's own, or one written inside of it.
    module: Module,
    file: &'a mut File,
}

impl Reader<'_> {
    /// The absolute path that `path` means here, if it is one of this crate.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (self.module.clone(), rest),
            "super" => (self.parent()?, rest),
            // A child, or a name that only a `use` here brings.
            _ => (self.module.clone(), path),
        };
        while let Some((first, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
            let _ = first;
            base.pop()?;
            rest = after;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn parent(&self) -> Option<Module> {
        let mut parent = self.module.clone();
        parent.pop()?;
        Some(parent)
    }

    fn name(&mut self, path: &[String]) {
        let absolute = self.absolute(path);
        self.file.named.extend(absolute);
    }

    fn tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_export: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix, is_export);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, prefix, is_export);
                }
            }
            UseTree::Glob(_) => self.name(&prefix.clone()),
            UseTree::Name(name) => self.leaf(&name.ident.to_string(), None, prefix, is_export),
            UseTree::Rename(rename) => self.leaf(
                &rename.ident.to_string(),
                Some(rename.rename.to_string()),
                prefix,
                is_export,
            ),
        }
    }

    fn leaf(&mut self, name: &str, renamed: Option<String>, prefix: &[String], is_export: bool) {
        let mut path = prefix.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        let Some(absolute) = self.absolute(&path) else {
            return;
        };
        if is_export {
            let known_as = renamed.unwrap_or_else(|| path.last().cloned().unwrap_or_default());
            self.file.exports.insert(known_as, absolute.clone());
            // A facade: it hands on what its own children hold, and needs none of it.
            if absolute.starts_with(&self.module) {
                return;
            }
        }
        self.file.named.insert(absolute);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        } else if let Item::Mod(module) = item {
            let mut path = self.module.clone();
            path.push(module.ident.to_string());
            self.file.for_tests.insert(path);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), is_export);
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {
        // `pub(in path)` says who may see an item, not what its module needs.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if parts.len() > 1 {
            self.name(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        // The tokens of a macro are no syntax tree, but the paths in them can be read.
        let text = item.tokens.to_string().replace(' ', "");
        for (at, _) in text.match_indices("crate::") {
            let path: String = text[at..]
                .chars()
                .take_while(|character| character.is_alphanumeric() || "_:".contains(*character))
                .collect();
            self.name(&segments(&path));
        }
        visit::visit_macro(self, item);
    }
}

/// The module that a path leads into: the longest part of it that is one, after names that are
/// handed on were followed to where they come from.
fn resolve(path: &Module, files: &BTreeMap<Module, File>) -> Option<Module> {
    let mut path = path.clone();
    for _ in 0..16 {
        let module = (0..=path.len()).rev().map(|length| path[..length].to_vec());
        let module = module
            .into_iter()
            .find(|module| files.contains_key(module))?;
        // The root holds no code of its own: what is not below it is another crate's.
        if module.is_empty() {
            return None;
        }
        let behind = path
            .get(module.len())
            .and_then(|name| files[&module].exports.get(name));
        let Some(behind) = behind else {
            return Some(module);
        };
        let rest = path[module.len() + 1..].to_vec();
        path.clone_from(behind);
        path.extend(rest);
    }
    None
}

fn segments(path: &str) -> Module {
    let parts = path.split("::").filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "syn's items are non-exhaustive, and the others hold no tests"
)]
pub(super) fn is_for_tests(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}
