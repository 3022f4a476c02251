package org.ondemandtls.benchmarks;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.jdbc.JdbcCertificateStore;
import org.ondemandtls.testing.Database;

/** Puts {@link ManyNames} into tables of ours in PostgreSQL, by its own copying: saved one by one they would take an hour. */
final class FilledDatabase {

    private static final int AT_ONCE = 50_000;
    private static final String TABLE = "ondemand_tls_";

    private FilledDatabase() {}

    /** Makes the tables and fills them; the database knows afterwards what is in them, as it does by itself in time. */
    static void fill(String url, ManyNames names, Report report) throws IOException, StoreException {
        JdbcCertificateStore.open(
                        new OnDemandTlsConfig.DatabaseStore(url, Optional.empty(), Optional.empty(), true, 1),
                        new Events(event -> {}, System::nanoTime),
                        Time.ofMachine(),
                        KeySealing.none())
                .close();
        var scribe = new ManyNames.Scribe();
        for (int from = 0; from < names.count(); from += AT_ONCE) {
            part(url, names, scribe, from, Math.min(from + AT_ONCE, names.count()));
            report.progress("filled up to " + Math.min(from + AT_ONCE, names.count()));
        }
        // As many other names, which nobody asks for.
        Database.update(
                url,
                "INSERT INTO " + TABLE + "name (name, certificate) SELECT 'other.' || name, name FROM " + TABLE
                        + "certificate");
        for (String table : List.of("certificate", "listed", "hold", "name")) {
            Database.update(url, "VACUUM ANALYZE " + TABLE + table);
        }
    }

    private static void part(String url, ManyNames names, ManyNames.Scribe scribe, int from, int to)
            throws IOException, StoreException {
        // Where the database's own user can read it.
        Path certificates = readable("certificates");
        Path listed = readable("listed");
        Path holds = readable("holds");
        try (BufferedWriter certificate = Files.newBufferedWriter(certificates);
                BufferedWriter list = Files.newBufferedWriter(listed);
                BufferedWriter held = Files.newBufferedWriter(holds)) {
            for (int number = from; number < to; number++) {
                Medium.Kept record = scribe.of(names.certificate(number));
                Medium.Marks marks = record.marks();
                Listed entry = marks.listed().orElseThrow();
                line(
                        certificate,
                        record.key(),
                        marks.at().toEpochMilli(),
                        record.revision(),
                        0,
                        marks.leaf(),
                        marks.withdrawn(),
                        marks.keyId(),
                        text(record));
                line(
                        list,
                        entry.name(),
                        marks.leaf(),
                        entry.domain(),
                        entry.issuer(),
                        entry.expires().toEpochMilli(),
                        entry.late().toEpochMilli(),
                        entry.standing().number());
                for (Hold hold : names.holds(number)) {
                    Medium.Kept kept = scribe.of(hold);
                    line(held, kept.key(), text(kept));
                }
            }
        }
        copy(url, "certificate (name, due, revision, fence, leaf, withdrawn, key_id, content)", certificates);
        copy(url, "listed (name, leaf, domain, issuer, expires, late, standing)", listed);
        copy(url, "hold (scope, content)", holds);
    }

    private static Path readable(String what) throws IOException {
        Path file = Files.createTempFile("ondemand-tls-" + what, ".copy");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        return file;
    }

    private static String text(Medium.Kept record) {
        return new String(record.content(), StandardCharsets.ISO_8859_1);
    }

    private static void line(BufferedWriter out, Object... columns) throws IOException {
        out.write(Stream.of(columns)
                .map(column -> column.toString().replace("\\", "\\\\").replace("\n", "\\n"))
                .collect(Collectors.joining("\t", "", "\n")));
    }

    private static void copy(String url, String into, Path file) throws IOException {
        Database.copy(url, TABLE + into, file);
        Files.delete(file);
    }
}
