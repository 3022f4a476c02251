package org.ondemandtls.command;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A tree of small files that another program keeps, on disk or in an archive. Paths have slashes and are relative. */
interface KeptFiles {

    /** The most octets a file may have. */
    int LARGEST = 1 << 20;

    /** The names of the directories in a directory, in order; none if it is not there. */
    List<String> directories(String parent) throws IOException;

    /** The names of the files in a directory that end like this, without that ending, in order. */
    List<String> names(String parent, String ending) throws IOException;

    /** Whether there is a file of that path. */
    boolean isFile(String path);

    /** A file as text, each octet one character. */
    String text(String path) throws IOException;

    /** Where a path is, for people. */
    String place(String path);

    /** The files below a directory. */
    static KeptFiles in(Path root) {
        return new OnDisk(root);
    }

    /**
     * The files in a tar archive that belong to certificates. They are held in memory: the archive holds private keys, which
     * are written nowhere.
     *
     * @param archive the file
     * @throws IOException if it cannot be read, or is no such archive
     */
    static KeptFiles inArchive(Path archive) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(archive))) {
            Map<String, byte[]> files = new TreeMap<>();
            TarReader.read(
                    in, LARGEST, name -> name.startsWith("certificates/") || name.startsWith("acme/"), files::put);
            return new InArchive(archive, files);
        } catch (IOException e) {
            throw new IOException(archive + " cannot be read as an archive of Caddy: " + e.getMessage(), e);
        }
    }

    /** Files on disk. */
    record OnDisk(Path root) implements KeptFiles {

        @Override
        public List<String> directories(String parent) throws IOException {
            Path directory = root.resolve(parent);
            if (!Files.isDirectory(directory)) {
                return List.of();
            }
            try (Stream<Path> entries = Files.list(directory)) {
                return entries.filter(Files::isDirectory)
                        .map(entry -> String.valueOf(entry.getFileName()))
                        .sorted()
                        .toList();
            }
        }

        @Override
        public List<String> names(String parent, String ending) throws IOException {
            Path directory = root.resolve(parent);
            if (!Files.isDirectory(directory)) {
                return List.of();
            }
            try (Stream<Path> entries = Files.list(directory)) {
                return entries.filter(Files::isRegularFile)
                        .map(entry -> String.valueOf(entry.getFileName()))
                        .filter(name -> name.endsWith(ending))
                        .map(name -> name.substring(0, name.length() - ending.length()))
                        .sorted()
                        .toList();
            }
        }

        @Override
        public boolean isFile(String path) {
            return Files.isRegularFile(root.resolve(path));
        }

        @Override
        public String text(String path) throws IOException {
            Path file = root.resolve(path);
            if (Files.size(file) > LARGEST) {
                throw new IOException(file + " is larger than " + LARGEST + " bytes");
            }
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        }

        @Override
        public String place(String path) {
            return root.resolve(path).toString();
        }
    }

    /** Files of an archive, in memory. */
    record InArchive(Path archive, Map<String, byte[]> files) implements KeptFiles {

        @Override
        public List<String> directories(String parent) {
            String prefix = parent.isEmpty() || parent.endsWith("/") ? parent : parent + '/';
            SortedSet<String> names = new TreeSet<>();
            for (String path : files.keySet()) {
                int slash = path.startsWith(prefix) ? path.indexOf('/', prefix.length()) : -1;
                if (slash > 0) {
                    names.add(path.substring(prefix.length(), slash));
                }
            }
            return List.copyOf(names);
        }

        @Override
        public List<String> names(String parent, String ending) {
            String prefix = parent + '/';
            return files.keySet().stream()
                    .filter(path ->
                            path.startsWith(prefix) && path.endsWith(ending) && path.indexOf('/', prefix.length()) < 0)
                    .map(path -> path.substring(prefix.length(), path.length() - ending.length()))
                    .toList();
        }

        @Override
        public boolean isFile(String path) {
            return files.containsKey(path);
        }

        @Override
        public String text(String path) throws IOException {
            byte[] content = files.get(path);
            if (content == null) {
                throw new IOException(place(path) + " is not there");
            }
            return new String(content, StandardCharsets.ISO_8859_1);
        }

        @Override
        public String place(String path) {
            return archive + "!" + path;
        }
    }
}
