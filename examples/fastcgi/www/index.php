<?php
// Shows what arrived: the parameters of the request, then its body.
header('Content-Type: text/plain');
ksort($_SERVER);
foreach ($_SERVER as $name => $value) {
    if (is_string($value)) {
        echo $name, ': ', $value, "\n";
    }
}
echo "\n", file_get_contents('php://input');
